"""The views: a program as text, SVG, HTML and widget."""

from ._graph import Graph as Graph
from ._graph import graph as graph
from ._view import View as View
