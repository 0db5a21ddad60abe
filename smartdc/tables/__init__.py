"""Tables of what CloudAPI returns: text for a terminal, HTML for a notebook. They make no requests.

table       Table: rows and columns, as text and as HTML
kinds       the columns of each kind of list, as the triton command shows them
cells       one value as text: sizes with units, ages, true and false
layout      columns of text side by side, within the width of the terminal
ipython     lists as tables in IPython and in notebooks: `%load_ext smartdc`
"""

from smartdc.tables.table import Table

__all__ = ["Table"]
