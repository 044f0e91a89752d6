"""Does the released model stay good? KPIs on live rows, shifts, drift, the data contract, silent series, bounds, estimates.

`watch.monitor` takes one look. What it looks at is one noun a file; every figure is a `Check`, and what alarms lives on in
`sevenstep.live.alarms`.
"""
