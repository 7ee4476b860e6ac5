# Mistake 31, from the other side: heartbeats that wait for no disk must not keep a leader in office whose disk never answers.
nodes 1 2 3
elect 1
stall 1
propose 1 a
pass 60
expect role 1 follower
expect committed 2,3 a
# One of the others was told to go ahead, and did not collide.
expect term 2,3 2
