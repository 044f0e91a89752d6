"""The words of the manuals in both languages: kinds of machines with their figures, fastenings, upkeep and faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["KINDS", "LANGUAGES", "Figure", "Kind", "Language", "Upkeep", "Word", "topic"]

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")


@dataclass(frozen=True)
class Word:
    """A term in both languages."""

    en: str
    ko: str

    def of(self, language: Language) -> str:
        """The term in one language."""
        return self.en if language == "en" else self.ko


@dataclass(frozen=True)
class Figure:
    """A property of a machine: its unit, and the range its value is drawn from, in steps."""

    name: Word
    unit: str
    low: float
    high: float
    step: float


@dataclass(frozen=True)
class Upkeep:
    """What is done to a part again and again."""

    part: Word
    done: Word
    asked: Word


@dataclass(frozen=True)
class Kind:
    """A kind of machine; ``faults`` are causes with their remedies."""

    name: Word
    prefix: str
    purpose: Word
    figures: tuple[Figure, ...]
    fastenings: tuple[Word, ...]
    upkeep: tuple[Upkeep, ...]
    faults: tuple[tuple[Word, Word], ...]


def topic(noun: str) -> str:
    """A Korean noun with its topic particle; the letters and figures of a model are read aloud, so both are given there."""
    last = noun[-1]
    return f"{noun}{'은' if (ord(last) - ord('가')) % 28 else '는'}" if "가" <= last <= "힣" else f"{noun}은(는)"


_POWER = Figure(Word("motor power", "모터 출력"), "kW", 0.5, 45, 0.5)
_MASS = Figure(Word("mass", "질량"), "kg", 40, 900, 10)
_REPLACED, _GREASED = Word("replaced", "교체"), Word("greased", "윤활")
_CLEANED, _CHECKED = Word("cleaned", "청소"), Word("checked", "점검")
_COMMON = (
    (
        Word("supply voltage too low", "공급 전압이 너무 낮음"),
        Word("have the mains connection checked", "전원 연결을 점검하게 한다"),
    ),
    (Word("motor overheated", "모터 과열"), Word("let the motor cool down and clean its fan", "모터를 식히고 팬을 청소한다")),
    (
        Word("emergency stop pressed", "비상 정지 눌림"),
        Word("unlock the emergency stop and reset", "비상 정지를 풀고 초기화한다"),
    ),
    (Word("sensor cable broken", "센서 케이블 단선"), Word("replace the sensor cable", "센서 케이블을 교체한다")),
    (Word("controller lost its settings", "제어기 설정 소실"), Word("load the settings anew", "설정을 다시 불러온다")),
)


def _upkeep(en: str, ko: str, done: Word, asked_en: str, asked_ko: str) -> Upkeep:
    return Upkeep(Word(en, ko), done, Word(asked_en, asked_ko))


KINDS: tuple[Kind, ...] = (
    Kind(
        Word("pump", "펌프"),
        "HP",
        Word("moves cooling water through closed circuits", "폐쇄 회로에서 냉각수를 순환시킨다"),
        (
            Figure(Word("rated pressure", "정격 압력"), "bar", 2, 16, 0.5),
            Figure(Word("flow rate", "유량"), "m³/h", 4, 120, 2),
            Figure(Word("highest fluid temperature", "최고 유체 온도"), "°C", 60, 140, 5),
            _POWER,
            _MASS,
        ),
        (
            Word("flange bolts", "플랜지 볼트"),
            Word("housing screws", "하우징 나사"),
            Word("coupling screws", "커플링 나사"),
            Word("foundation bolts", "기초 볼트"),
        ),
        (
            _upkeep("shaft seal", "축 씰", _REPLACED, "renew the seal of the shaft", "축의 씰을 새것으로 바꾸어야"),
            _upkeep("bearing", "베어링", _GREASED, "put grease on the bearing", "베어링에 기름을 쳐야"),
            _upkeep("inlet filter", "흡입 필터", _CLEANED, "wash the filter at the inlet", "흡입구의 필터를 씻어야"),
        ),
        (
            *_COMMON,
            (
                Word("pump runs dry", "펌프 공회전"),
                Word("fill the suction line and vent the pump", "흡입 배관을 채우고 공기를 뺀다"),
            ),
            (Word("shaft seal leaks", "축 씰 누설"), Word("replace the shaft seal", "축 씰을 교체한다")),
            (Word("inlet filter blocked", "흡입 필터 막힘"), Word("clean the inlet filter", "흡입 필터를 청소한다")),
        ),
    ),
    Kind(
        Word("conveyor", "컨베이어"),
        "BC",
        Word("carries cartons between packing stations", "포장 공정 사이에서 상자를 운반한다"),
        (
            Figure(Word("belt speed", "벨트 속도"), "m/s", 0.2, 2.4, 0.1),
            Figure(Word("belt width", "벨트 폭"), "mm", 300, 1200, 50),
            Figure(Word("highest load", "최대 하중"), "kg/m", 15, 90, 5),
            _POWER,
            _MASS,
        ),
        (
            Word("drum screws", "드럼 나사"),
            Word("motor mount bolts", "모터 고정 볼트"),
            Word("frame bolts", "프레임 볼트"),
            Word("tensioner nuts", "장력 조절 너트"),
        ),
        (
            _upkeep("drive belt", "구동 벨트", _REPLACED, "put in a new drive belt", "구동 벨트를 새것으로 바꾸어야"),
            _upkeep(
                "roller bearings",
                "롤러 베어링",
                _GREASED,
                "put grease on the bearings of the rollers",
                "롤러의 베어링에 기름을 쳐야",
            ),
            _upkeep("light barrier", "광전 센서", _CLEANED, "wipe the light barrier", "광전 센서를 닦아야"),
        ),
        (
            *_COMMON,
            (
                Word("belt runs off centre", "벨트 사행"),
                Word("adjust the tensioner on both sides", "양쪽 장력 조절기를 조정한다"),
            ),
            (Word("light barrier dirty", "광전 센서 오염"), Word("clean the light barrier", "광전 센서를 청소한다")),
            (Word("carton jammed", "상자 걸림"), Word("stop the belt and remove the carton", "벨트를 멈추고 상자를 치운다")),
        ),
    ),
    Kind(
        Word("compressor", "압축기"),
        "SC",
        Word("supplies the workshop with dry compressed air", "작업장에 건조 압축 공기를 공급한다"),
        (
            Figure(Word("working pressure", "작동 압력"), "bar", 6, 14, 0.5),
            Figure(Word("air delivery", "토출량"), "l/min", 200, 4800, 100),
            Figure(Word("tank volume", "탱크 용량"), "l", 50, 900, 50),
            _POWER,
            _MASS,
        ),
        (
            Word("cylinder head bolts", "실린더 헤드 볼트"),
            Word("valve cover screws", "밸브 덮개 나사"),
            Word("pulley screws", "풀리 나사"),
            Word("tank feet bolts", "탱크 받침 볼트"),
        ),
        (
            _upkeep("oil", "오일", _REPLACED, "change the oil", "오일을 새것으로 바꾸어야"),
            _upkeep("air filter", "공기 필터", _CLEANED, "blow out the filter for the air", "공기 필터를 불어 내야"),
            _upkeep("safety valve", "안전 밸브", _CHECKED, "try the safety valve", "안전 밸브를 시험해야"),
        ),
        (
            *_COMMON,
            (Word("tank pressure too high", "탱크 압력 과다"), Word("check the pressure switch", "압력 스위치를 점검한다")),
            (Word("oil level too low", "오일 부족"), Word("top up the oil", "오일을 보충한다")),
            (Word("air filter blocked", "공기 필터 막힘"), Word("clean the air filter", "공기 필터를 청소한다")),
        ),
    ),
    Kind(
        Word("mixer", "혼합기"),
        "MX",
        Word("stirs dough and fillings in batches", "반죽과 소를 회분식으로 섞는다"),
        (
            Figure(Word("bowl volume", "보울 용량"), "l", 20, 300, 10),
            Figure(Word("stirring speed", "교반 속도"), "rpm", 40, 480, 20),
            Figure(Word("largest batch", "최대 투입량"), "kg", 8, 180, 4),
            _POWER,
            _MASS,
        ),
        (
            Word("bowl clamps", "보울 고정구"),
            Word("gear cover screws", "기어 덮개 나사"),
            Word("hook bolt", "훅 볼트"),
            Word("base bolts", "받침 볼트"),
        ),
        (
            _upkeep("gear oil", "기어 오일", _REPLACED, "change the oil of the gears", "기어의 오일을 새것으로 바꾸어야"),
            _upkeep("bowl lift", "보울 승강부", _GREASED, "put grease on the lift of the bowl", "보울 승강부에 기름을 쳐야"),
            _upkeep("splash guard", "튐 방지 덮개", _CHECKED, "look over the splash guard", "튐 방지 덮개를 살펴야"),
        ),
        (
            *_COMMON,
            (Word("bowl not locked", "보울 미고정"), Word("close the bowl clamps", "보울 고정구를 잠근다")),
            (Word("gear oil too old", "기어 오일 노후"), Word("replace the gear oil", "기어 오일을 교체한다")),
            (Word("splash guard open", "튐 방지 덮개 열림"), Word("close the splash guard", "튐 방지 덮개를 닫는다")),
        ),
    ),
)
