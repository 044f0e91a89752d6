"""Who sells what where: regions, delivery types, products with their temperature class, and the series they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sevenstep.templates.streams import Floats, Integers, stream

__all__ = ["CLASSES", "DELIVERIES", "SIZES", "Extent", "Network", "Product", "Region", "make_network"]

DELIVERIES = ("store", "home", "parcel")
CLASSES = ("frozen", "chilled", "ambient")


@dataclass(frozen=True)
class Extent:
    """How much of the world a size takes in; ``booking_days`` is how far back the file of bookings reaches."""

    regions: int
    products: int
    booking_days: int


SIZES: Mapping[str, Extent] = {"small": Extent(3, 4, 784), "medium": Extent(9, 15, 365), "large": Extent(17, 40, 180)}


@dataclass(frozen=True)
class Region:
    """A region: relative size, how much longer delivery takes (log), yearly mean and half-range of the temperature in °C."""

    name: str
    size: float
    remoteness: float
    mean_temperature: float
    swing: float


@dataclass(frozen=True)
class Product:
    """A product; ``launch`` is the day number of its first sale in the first region, 0 or below where it was there before."""

    name: str
    temperature_class: str
    slow: bool
    launch: int
    pack_grams: int
    shelf_life_days: int


_REGIONS = (
    Region("seoul", 1.6, 0.00, 13.0, 14.5), Region("busan", 1.0, 0.05, 15.2, 11.8), Region("gangwon", 0.5, 0.20, 11.3, 14.5),
    Region("gyeonggi", 1.8, 0.02, 12.3, 15.0), Region("daegu", 0.8, 0.06, 14.6, 13.5), Region("gwangju", 0.6, 0.10, 14.3, 13.3),
    Region("daejeon", 0.6, 0.04, 13.3, 14.2), Region("incheon", 0.9, 0.02, 12.6, 14.0), Region("jeju", 0.3, 0.35, 16.4, 10.8),
    Region("ulsan", 0.5, 0.07, 14.5, 12.4), Region("sejong", 0.3, 0.05, 13.0, 14.6), Region("chungbuk", 0.5, 0.08, 12.7, 14.8),
    Region("chungnam", 0.6, 0.08, 12.6, 14.2), Region("jeonbuk", 0.5, 0.10, 13.5, 14.0), Region("jeonnam", 0.5, 0.14, 14.2, 12.8),
    Region("gyeongbuk", 0.7, 0.12, 13.0, 13.8), Region("gyeongnam", 0.8, 0.09, 14.4, 12.6),
)  # fmt: skip
_FROZEN = ("ice_cream", "dumplings", "fries", "pizza", "shrimp", "berries", "waffles", "tteokbokki", "mackerel", "peas")
_CHILLED = (
    "milk", "yogurt", "tofu", "kimchi", "eggs", "cheese", "butter", "ham", "salad", "juice", "squid", "bulgogi", "cream",
)  # fmt: skip
_AMBIENT = (
    "oat_drink", "soy_sauce", "ramyeon", "rice", "seaweed", "tuna", "coffee", "tea", "sesame_oil", "flour", "sugar", "honey",
    "cereal", "crackers", "cola", "water", "salt",
)  # fmt: skip
# The smallest size takes the first four: one of each class, and of the ambient ones a newcomer and a slow mover.
_FIRST = ("milk", "ice_cream", "oat_drink", "soy_sauce")
_SHELF_LIFE = {"frozen": 270, "chilled": 14, "ambient": 365}


@dataclass(frozen=True)
class Network:
    """The series, each a region, a delivery type and a product by their positions; arrays have one value per series."""

    regions: tuple[Region, ...]
    products: tuple[Product, ...]
    region: Integers
    delivery: Integers
    product: Integers

    @property
    def series(self) -> int:
        """How many series there are."""
        return len(self.region)

    @property
    def temperature_class(self) -> Integers:
        """Position in `CLASSES` of each series' product."""
        return np.array([CLASSES.index(product.temperature_class) for product in self.products])[self.product]

    @property
    def place(self) -> Integers:
        """One number per region and product, for what both share across delivery types."""
        return self.region * len(self.products) + self.product

    @property
    def depot(self) -> Integers:
        """One number per region and delivery type, for what all products share."""
        return self.region * len(DELIVERIES) + self.delivery

    def by_delivery(self, values: Mapping[str, float]) -> Floats:
        """A value per delivery type as a column of one value per series."""
        return np.array([values[name] for name in DELIVERIES])[self.delivery][:, None]

    def by_class(self, values: Mapping[str, float]) -> Floats:
        """A value per temperature class as a column of one value per series."""
        return np.array([values[name] for name in CLASSES])[self.temperature_class][:, None]

    def by_product(self, values: Mapping[str, float]) -> Floats:
        """A value per product as a column of one value per series."""
        return np.array([values[product.name] for product in self.products])[self.product][:, None]


def make_network(seed: int, size: str) -> Network:
    """The regions, products and series of a size: every region sells every product by every delivery type."""
    extent = SIZES[size]
    regions, products = _REGIONS[: extent.regions], _products(seed, extent.products)
    shape = (len(regions), len(DELIVERIES), len(products))
    region, delivery, product = (axis.ravel() for axis in np.indices(shape))
    return Network(regions, products, region, delivery, product)


def _products(seed: int, count: int) -> tuple[Product, ...]:
    generator = stream(seed, "products")
    classes = {name: label for label, names in zip(CLASSES, (_FROZEN, _CHILLED, _AMBIENT), strict=True) for name in names}
    names = [*_FIRST, *(name for name in _interleaved() if name not in _FIRST)]
    launches, packs = generator.integers(180, 330, len(names)), generator.integers(2, 20, len(names)) * 50
    return tuple(
        Product(
            name,
            classes[name],
            rank % 4 == 3,
            int(launches[rank]) if rank % 4 == 2 else 0,
            int(packs[rank]),
            _SHELF_LIFE[classes[name]],
        )
        for rank, name in enumerate(names[:count])
    )


def _interleaved() -> list[str]:
    longest = max(len(_FROZEN), len(_CHILLED), len(_AMBIENT))
    return [names[row] for row in range(longest) for names in (_FROZEN, _CHILLED, _AMBIENT) if row < len(names)]
