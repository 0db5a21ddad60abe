"""CloudAPI's operations, one class for each area.

Account-level areas derive from `smartdc.connection.Connection` and are bases of `DataCenter`; areas of one
machine derive from `smartdc.endpoint.MachineEndpoint` and are bases of `Machine`. An area holds no state
and does not import another.
"""
