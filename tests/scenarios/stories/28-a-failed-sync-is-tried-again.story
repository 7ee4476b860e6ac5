# Mistake 28: a failed sync is tried again. The page may be gone, and the second sync reports that all is well (Rebello, ATC 2020).
nodes 1 2 3
disks real
elect 1
propose 1 a
deliver
hold applying 2
fail 2
propose 1 b
deliver
crash 2
expect committed 1,3 a b
restart 2
expect log 2 1:* 1:a
