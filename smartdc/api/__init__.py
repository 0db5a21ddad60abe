"""CloudAPI's operations, one class for each area.

They derive from `smartdc._http.connection.Connection` and are bases of `DataCenter`; the areas of one machine
are in `smartdc.machine`. An area holds no state and does not import another.
"""
