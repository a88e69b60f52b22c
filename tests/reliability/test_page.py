"""The page about reliability is what its script writes."""

from tests.reliability.page import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.reliability.page"
