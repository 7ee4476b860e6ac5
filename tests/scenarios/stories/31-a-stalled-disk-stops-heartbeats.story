# Mistake 31: heartbeats, or the answers to them, wait for a disk, and the whole cluster elects (NuRaft 609, hashicorp).
nodes 1 2 3
elect 1
stall 1
propose 1 a
pass 30
expect leader 1 term 1
expect follows 2,3 1
resume 1
stall 2,3
propose 1 b
pass 30
expect leader 1 term 1
expect follows 2,3 1
