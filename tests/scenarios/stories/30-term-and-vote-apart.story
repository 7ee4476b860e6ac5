# Mistake 30: term and vote are written one after the other (hashicorp). The power goes between, and the node has a term without
# the vote that it gave in it.
nodes 1 2 3
disks real
elect 1
crash 1
unheard 3
# As much is done as writing one record takes: the write, its sync, and the seal.
fail 2 after 3
tick 2 election
deliver
crash 2
restart 2
expect vote 2 2
expect term 2 2
