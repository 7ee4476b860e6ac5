# Mistake 29, where the end of the log is missing: it would pass for a log in which b never was. But a torn tail is what nobody was
# promised; here more is missing than that, the node knows it, and does not start.
nodes 1 2 3
disks real
elect 1
propose 1 a
deliver
cut 1 -> 3
# Nothing says how far the log went but the log.
hold applying 2
propose 1 b
deliver
expect committed 1,2 a b
crash 1,2
tear 2 40
restart 2
heal
tick 3 election
deliver
tick 3 election
deliver
expect down 2
expect committed 3 a
restart 1
pass 40
expect committed 1,3 a b
