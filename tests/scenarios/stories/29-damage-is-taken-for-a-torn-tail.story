# Mistake 29: a corrupt log is taken for a torn tail and cut, and what was committed is lost (Alagappan, FAST 2018).
# Nodes 2 and 3 would make a quorum without b. So a node whose disk has lost what it promised does not start; the others go on.
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
damage 2 entry 3
restart 2
expect down 2
heal
pass 12
expect committed 3 a b
