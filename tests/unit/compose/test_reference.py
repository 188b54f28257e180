from pathlib import Path

from swarmlite.compose.reference import page

PAGE = Path(__file__).parents[3] / "docs" / "compose.md"


def test_the_page_of_keys_is_the_table() -> None:
    assert PAGE.read_text() == page(), "make it anew: python -m swarmlite.compose.reference > docs/compose.md"
