# A leader whose entries a quorum refuses steps down, and does not campaign for a while; another goes on.
nodes 1 2 3 4
elect 1
propose 1 a
deliver
refuse 2,3,4 x
propose 1 x
pass 12
expect role 1 follower
expect committed all a
unheard 3,4
elect 2
propose 2 b
deliver
expect committed all a b
