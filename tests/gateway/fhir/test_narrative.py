"""A narrative is an allow-list: what a browser could run, load or misread never gets in."""

import pytest

from gateway.fhir.narrative import forbidden_in

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def div(inner: str) -> str:
    return f"<div {XHTML}>{inner}</div>"


@pytest.mark.parametrize(
    "inner",
    [
        "出院小结",
        '<table class="t"><tr><td colspan="2" style="color: red">152</td></tr></table>',
        '<a href="https://x.example/a?b=1">x</a><a name="here"/><a href="#here">y</a><a href="Patient/e1">z</a>',
        '<img src="data:image/png;base64,AAAA" alt=""/>',
        "<p>&lt;script&gt;</p>",
        '<p xml:lang="zh-CN" lang="zh-CN">x</p>',
    ],
)
def test_the_subset_of_r4_is_allowed(inner: str) -> None:
    assert forbidden_in(div(inner)) == ""


@pytest.mark.parametrize(
    "text",
    [
        div("<script>alert(1)</script>"),
        div('<p onclick="x()">x</p>'),
        div('<a href="javascript:alert(1)">x</a>'),
        div('<a href=" JaVaScRiPt:alert(1)">x</a>'),
        div('<a href="java&#10;script:alert(1)">x</a>'),
        div('<a href="data:text/html,x">x</a>'),
        div('<img src="https://spy.example/p.png" alt=""/>'),
        div('<img src="data:image/svg+xml;base64,AAAA" alt=""/>'),
        div('<p style="background: url(https://spy.example)">x</p>'),
        div('<p style="background: u\\72l(https://spy.example)">x</p>'),
        div('<p style="width: expression(alert(1))">x</p>'),
        div("<iframe>x</iframe>"),
        div("<form><input/></form>"),
        div("<style>p{}</style>"),
        div("<object>x</object>"),
        div('<svg xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>'),
        div("<![CDATA[><script>alert(1)</script>]]>"),
        div("<!--><script>alert(1)</script>-->"),
        div("<?php x ?>"),
        f'<!DOCTYPE div [<!ENTITY a "x">]><div {XHTML}>&a;</div>',
        div("&nbsp;x"),
        div("<p>x"),
        div(""),
        div(" \n "),
        "<div>x</div>",
        f"<p {XHTML}>x</p>",
        f"<div {XHTML}>x</div><div {XHTML}>y</div>",
        "x",
        "",
        div("\ud800"),
    ],
)
def test_everything_else_is_named_and_refused(text: str) -> None:
    assert forbidden_in(text) != ""


def test_what_is_refused_is_not_repeated() -> None:
    assert "王" not in forbidden_in(div("<王示兰>x</王示兰>"))


def test_entities_that_multiply_end_at_once() -> None:
    bomb = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )

    assert forbidden_in(f"{bomb}]><div {XHTML}>&i;</div>") == "a DOCTYPE"
