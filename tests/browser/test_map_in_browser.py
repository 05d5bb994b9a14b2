"""The map in a browser: points, neighbours, a line drawn around stories, and what of it a link keeps."""

import pytest
from browser_app import HOSTILE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SHOWN = "() => document.querySelector('.plot.map').data"


def points(page) -> int:
    """Of all categories, on the chart that is drawn."""
    return page.evaluate(f"({SHOWN})().slice(0, 1).reduce((sum, trace) => sum + trace.x.length, 0)")


def open_map(open_page, query: str = "", **options):
    page = open_page(query=f"v=1&tab=map&{query}", **options)
    page.wait_for_function(f"({SHOWN})()?.[0]?.text")
    return page


def pixel(page, row: int) -> tuple[float, float]:
    """Where on the screen a story is drawn."""
    return page.evaluate(
        """(row) => {
          const div = document.querySelector('.plot.map');
          const trace = div.data.find((each) => each.customdata?.includes(row));
          const place = trace.customdata.indexOf(row);
          const { xaxis, yaxis } = div._fullLayout;
          const box = div.getBoundingClientRect();
          const [left, top] = [box.x + xaxis._offset, box.y + yaxis._offset];
          return [left + xaxis.l2p(trace.x[place]), top + yaxis.l2p(trace.y[place])];
        }""",
        row,
    )


def click(page, row: int) -> None:
    x, y = pixel(page, row)
    page.mouse.move(x - 12, y - 12)
    page.mouse.move(x, y, steps=6)
    page.mouse.down()
    page.mouse.up()


def test_every_story_is_a_point_and_a_click_shows_its_neighbours(open_page):
    page = open_map(open_page)
    assert points(page) == 256
    expect(page.locator(".drawn-map .drawn")).to_contain_text("axes and far distances mean nothing")
    page.locator(".plot.map").scroll_into_view_if_needed()
    click(page, 200)
    expect(page.locator(".card .neighbours")).to_have_count(2)
    expect(page.locator(".card .neighbours").first.locator("li")).to_have_count(10)
    expect(page.locator(".card .source")).to_contain_text("256 stories")


@pytest.mark.thorough
def test_a_search_marks_stories_and_one_of_them_can_be_opened_without_a_mouse(open_page):
    page = open_map(open_page, "map.search=14")
    item = page.locator(".beside .plain-list .item button").first
    title = item.inner_text()
    item.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".card > .headline")).to_have_text(title)
    page.wait_for_function(f"({SHOWN})().some((trace) => trace.name === 'found')")
    page.wait_for_function(f"({SHOWN})().some((trace) => trace.name === 'this story')")


@pytest.mark.thorough
def test_a_line_drawn_around_stories_lists_them_and_travels_in_the_link(open_page):
    page = open_map(open_page)
    page.get_by_role("button", name="draw around stories").click()
    page.wait_for_function("() => document.querySelector('.plot.map').layout.dragmode === 'lasso'")
    box = page.locator(".plot.map .nsewdrag").first.bounding_box()
    corners = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98), (0.02, 0.03)]
    for place, (across, down) in enumerate(corners):
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=8)
        if place == 0:
            page.mouse.down()
    page.mouse.up()
    expect(page.get_by_role("heading", name="Inside the line")).to_contain_text("256 stories")
    page.get_by_role("button", name="Remove the line").click()
    expect(page.get_by_role("heading", name="Inside the line")).to_have_count(0)


@pytest.mark.thorough
def test_a_link_restores_the_map(open_page):
    page = open_map(
        open_page,
        "map.space=teacher&map.story=N7&map.lasso=-2&map.lasso=-2&map.lasso=2&map.lasso=-2&map.lasso=0&map.lasso=2",
    )
    expect(page.get_by_role("heading", name="All stories as teacher sees them")).to_be_visible()
    expect(page.locator(".card")).to_contain_text("7")
    expect(page.get_by_role("heading", name="Inside the line")).to_be_visible()


@pytest.mark.thorough
def test_the_slider_moves_points_from_teacher_to_student(open_page):
    page = open_map(open_page)
    before = page.evaluate(f"Array.from(({SHOWN})()[0].x).slice(0, 50)")
    slider = page.get_by_role("slider")
    slider.focus()
    slider.press("End")
    page.wait_for_function(
        f"(before) => ({SHOWN})()[0].x.some((x, place) => place < 50 && x !== before[place])", arg=before
    )


@pytest.mark.thorough
def test_a_headline_full_of_markup_is_placed_and_harms_nothing(open_page):
    page = open_map(open_page)
    page.get_by_label("Place a headline of your own").fill(HOSTILE)
    page.get_by_role("button", name="Place", exact=True).click()
    expect(page.locator(".typed .headline")).to_contain_text(HOSTILE)
    page.get_by_label("Search titles and topics").fill("storm`")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("heading", name="Found: storm`")).to_be_visible()
    expect(page.locator(".beside .plain-list").first).to_contain_text(HOSTILE)
    page.locator(".beside .plain-list .item button").first.click()
    expect(page.locator(".card > .headline")).to_have_text(HOSTILE)
    assert page.evaluate("window.harmed") is None


@pytest.mark.thorough
@pytest.mark.parametrize(("language", "said"), [("en", "Drag to"), ("es", "Arrastrar para")])
def test_it_speaks_both_languages_in_the_dark_and_on_a_telephone(open_page, language, said):
    page = open_map(open_page, f"language={language}", theme="dark", width=390, height=844)
    expect(page.locator(".drawn-map .drawn")).to_contain_text(said)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.thorough
def test_what_stands_out_can_be_read_as_a_table(open_page):
    page = open_map(open_page)
    page.locator("summary", has_text="Table:").first.click()
    rows = page.get_by_role("region", name="Stories that stand out on the map").locator("tbody tr")
    assert rows.count() > 10
