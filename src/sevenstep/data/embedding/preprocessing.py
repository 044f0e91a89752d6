"""How a picture is prepared for a model: size, colours, scale; read off the model's input, and from a file beside the model.

What neither says is as most published encoders of photographs want it: 224 pixels a side, values from 0 to 1, less the mean of
each colour in ImageNet, divided by its spread there (Russakovsky et al., 2015, ImageNet large scale visual recognition
challenge).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BeforeValidator, Field, ValidationError

from sevenstep.data.embedding.files import PREPROCESSING
from sevenstep.data.naming import did_you_mean, listed
from sevenstep.data.pictures import open_picture
from sevenstep.errors import InputError
from sevenstep.spec.fields import Closed, Name, Number

__all__ = ["Preprocessing", "Stated", "read_stated", "resolve"]

_SIDE = 224
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CHANNELS = {"grey": 1, "rgb": 3, "bgr": 3}
_TYPES = {
    "tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64, "tensor(uint8)": np.uint8,
}  # fmt: skip
"""Types of input a picture can be given as."""

Colour = Literal["rgb", "bgr", "grey"]
Layout = Literal["nchw", "nhwc"]


def _listed(value: object) -> object:
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else value


_Pixels = Annotated[int, Field(ge=8, le=4096)]
_Each = Annotated[tuple[Number, ...], BeforeValidator(_listed)]
_Positive = Annotated[tuple[Annotated[Number, Field(gt=0)], ...], BeforeValidator(_listed)]


class Stated(Closed):
    """What ``preprocessing.json`` may say."""

    size: Annotated[tuple[_Pixels, ...], BeforeValidator(_listed), Field(min_length=1, max_length=2)] | None = Field(
        default=None, description="pixels of a side, or [height, width]"
    )
    scale: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="times a value from 0 to 255; 1/255 if not given"
    )
    mean: _Each | None = Field(default=None, description="taken from the scaled values: one number, or one for each colour")
    std: _Positive | None = Field(default=None, description="divides what is left: one number, or one for each colour")
    colour: Colour | None = Field(default=None, description="order of the colours, or grey")
    layout: Layout | None = Field(default=None, description="whether colours come before or after height and width")
    output: Name | None = Field(default=None, description="which output of the model is the embedding")


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes an input of the model.

    Args:
        height: pixels.
        width: pixels.
        scale: factor of the values from 0 to 255; ``mean`` and ``std`` are in the scaled values, one for each colour.
        mean: subtracted.
        std: divided by.
        colour: ``rgb``, ``bgr`` or ``grey``.
        layout: ``nchw`` (colours first) or ``nhwc``.
        dtype: NumPy's name of the type of the input; whole numbers are the values from 0 to 255 as they are.
    """

    height: int
    width: int
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    colour: Colour
    layout: Layout
    dtype: str

    def prepared(self, content: bytes) -> NDArray[np.generic]:
        """The picture in ``content``, stretched to the size and put as the model wants it, ``[colour, height, width]`` or last.

        Raises:
            UnreadablePicture: see `open_picture`.
        """
        image = open_picture(content, about=max(self.height, self.width))
        size = (self.width, self.height)
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0).convert("L" if self.colour == "grey" else "RGB")
        return self.values(np.asarray(image).reshape(self.height, self.width, -1))

    def values(self, pixels: NDArray[np.uint8]) -> NDArray[np.generic]:
        """Pixels ``[height, width, colour]`` in red, green, blue (or grey) as the input of the model."""
        ordered = pixels[:, :, ::-1] if self.colour == "bgr" else pixels
        if self.dtype == "uint8":
            values: NDArray[np.generic] = ordered
        else:
            scaled = (ordered.astype(np.float64) * self.scale - np.array(self.mean)) / np.array(self.std)
            values = scaled.astype(self.dtype)
        return np.ascontiguousarray(np.moveaxis(values, 2, 0) if self.layout == "nchw" else values)

    def sentence(self) -> str:
        """How pictures are read, in words."""
        size = f"{self.height} x {self.width} pixels"
        if self.dtype == "uint8":
            return f"{size}, {self.colour}, {self.layout}, values from 0 to 255"
        mean, std = (listed(f"{one:g}" for one in values) for values in (self.mean, self.std))
        return f"{size}, {self.colour}, {self.layout}, times {self.scale:.4g}, mean {mean}, std {std}"


def read_stated(content: bytes | None) -> Stated:
    """What ``preprocessing.json`` says; nothing where there is none.

    Raises:
        InputError: ``EMBEDDING-PREPROCESSING``, it is no JSON, or says what it may not.
    """
    try:
        return Stated.model_validate_json(content or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = str(first["loc"][0]) if first["loc"] else ""
        keys = list(Stated.model_fields)
        if first["type"] == "extra_forbidden":
            raise _fault(f"holds the key '{place}'", f"its keys are {listed(keys)}", did_you_mean(place, keys)) from error
        said = f"'{place}': {first['msg']}" if place else str(first["msg"])
        raise _fault(f"cannot be read ({said})", f"it is one JSON object with any of {listed(keys)}", "mend it") from error


def _fault(given: str, rule: str, fix: str) -> InputError:
    return InputError("EMBEDDING-PREPROCESSING", f"{PREPROCESSING} {given}", rule, fix)


def resolve(shape: Sequence[int | str | None], kind: str, stated: Stated) -> Preprocessing:
    """The preprocessing for an input of a model.

    Args:
        shape: of the input, with a name or None where it is free.
        kind: ONNX's name of its type.
        stated: what a file beside the model says.

    Raises:
        InputError: ``EMBEDDING-INPUT``, a picture cannot be such an input; ``EMBEDDING-PREPROCESSING``, the file contradicts it.
    """
    sides = [size if isinstance(size, int) and size > 0 else None for size in shape]
    told = f"its input is {kind} of shape [{', '.join('?' if size is None else str(size) for size in sides)}]"
    if len(sides) != 4 or kind not in _TYPES:
        raise _not_pictures(told)
    layout = _layout(sides, stated, told)
    channels, height, width = sides[1:] if layout == "nchw" else (sides[3], sides[1], sides[2])
    colour: Colour = stated.colour or ("grey" if channels == 1 else "rgb")
    if channels is not None and channels != _CHANNELS[colour]:
        raise _contradicts("colour", told)
    stated_height, stated_width = (stated.size[0], stated.size[-1]) if stated.size else (None, None)
    if any(one is not None and other not in (None, one) for one, other in ((height, stated_height), (width, stated_width))):
        raise _contradicts("size", told)
    dtype = np.dtype(_TYPES[kind]).name
    mean, std = _moments(stated, _CHANNELS[colour], dtype)
    return Preprocessing(
        height or stated_height or _SIDE,
        width or stated_width or _SIDE,
        stated.scale or 1 / 255,
        mean,
        std,
        colour,
        layout,
        dtype,
    )


def _not_pictures(told: str) -> InputError:
    rule = "pictures are given as numbers [picture, colour, height, width] or [picture, height, width, colour], of 1 or 3 colours"
    return InputError(
        "EMBEDDING-INPUT", f"the model of data.embedding takes no pictures: {told}", rule, "export an image encoder"
    )


def _contradicts(key: str, told: str) -> InputError:
    return _fault(
        f"says a {key} the model does not take: {told}", "the file may only say what the model leaves open", f"mend '{key}'"
    )


def _layout(sides: Sequence[int | None], stated: Stated, told: str) -> Layout:
    """Where the colours stand: as stated, else where the shape has 1 or 3, else first."""
    able: dict[Layout, bool] = {"nchw": sides[1] in (1, 3, None), "nhwc": sides[3] in (1, 3, None)}
    if stated.layout is not None:
        if not able[stated.layout]:
            raise _contradicts("layout", told)
        return stated.layout
    if not any(able.values()):
        raise _not_pictures(told)
    last = sides[3] in (1, 3) and sides[1] not in (1, 3)
    return "nhwc" if last or not able["nchw"] else "nchw"


def _moments(stated: Stated, channels: int, dtype: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and spread of each colour; where a file gives one of them, the other is that which changes nothing."""
    given = {"mean": stated.mean, "std": stated.std}
    if dtype == "uint8" and (stated.scale or any(given.values())):
        raise _fault("gives scale, mean or std", "the model takes whole numbers, which are given as they are", "remove them")
    for key, values in given.items():
        if values is not None and len(values) not in (1, channels):
            raise _fault(f"gives {len(values)} numbers as '{key}'", f"the model takes {channels} colours", "give one for each")
    if stated.mean is None and stated.std is None and stated.scale is None:
        usual = (_MEAN, _SPREAD) if channels == 3 else ((float(np.mean(_MEAN)),), (float(np.mean(_SPREAD)),))
        return usual
    mean, std = stated.mean or (0.0,), stated.std or (1.0,)
    return mean * (channels // len(mean)), std * (channels // len(std))
