"""The views: a `Program` as text, SVG, HTML and widget."""
