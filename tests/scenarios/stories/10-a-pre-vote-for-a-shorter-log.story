# Mistake 10: a pre-vote does not compare logs (NuRaft). A node that cannot be elected raises the term again and again.
nodes 1 2 3
elect 1
cut 1 -> 3
propose 1 a
deliver
expect committed 2 a
crash 1
unheard 2
tick 3 election
deliver
tick 3 election
deliver
expect term 2,3 1
elect 2
expect leader 2 term 2
expect committed 2,3 a
