# Mistake 29, where the end of the log is missing: the same, for what is not there cannot be damaged entries.
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
crash 2
tear 2 40
restart 2
expect down 2
heal
pass 12
expect committed 3 a b
