"""Tables of what CloudAPI returns: text for a terminal, HTML for a notebook. They make no requests.

table       Table: rows and columns, as text and as HTML
kinds       which columns a list is shown with: those of the triton command
cells       how one value is written: sizes with units, ages, true and false
layout      columns of text beside each other, in the width of the terminal
ipython     lists as tables in IPython and in notebooks: `%load_ext smartdc`
"""

from smartdc.tables.table import Table

__all__ = ["Table"]
