"""The colours that charts, pages and workbooks share."""

from __future__ import annotations

# Petroff 2021 (arXiv:2107.02270), six colours told apart with any kind of colour vision
BLUE, ORANGE, RED, PURPLE, GREY, VIOLET = "#5790fc", "#f89c20", "#e42536", "#964a8b", "#9c9ca1", "#7a21dd"
INK, MUTED, RULE, PAPER = "#202124", "#5f6368", "#dadce0", "#ffffff"
