# Mistake 12: a node campaigns by the configuration that it has applied, while a newer one is committed (etcd 12359).
nodes 1 2 3
spare 4 5
quorum majority
elect 1
hold applying 2,3
change 1 voter 4 voter 5
pass 2
expect members all [1,2,3,4,5]
cut 1,4,5 <-> 2,3
propose 1 a
deliver
expect committed 1,4,5 a
unheard 3
tick 2 election
deliver
tick 2 election
deliver
expect term 2,3 1
