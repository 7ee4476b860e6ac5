# Mistake 15: the last voter is removed, and there is nobody left to decide anything (etcd 10884). It must be an error.
nodes 1
learners 2
elect 1
ask 1 remove 1
deliver
propose 1 a
deliver
expect committed 1 a
expect members all [1+2]
expect no-change 1 invalid remove 1
