# Mistake 27: what was applied, and up to where, are not written as one: after a crash an entry is left out, or applied twice
# (etcd 13766).
nodes 1 2 3
state ledger
elect 1
propose 1 a
deliver
# One more write of 2's state is done, and its power goes.
fail 2 applying after 1
propose 1 b
deliver
propose 1 c
deliver
expect down 2
crash 2
restart 2
propose 1 d
deliver
# 3 loses all that was not synced, and applies it again.
crash 3
restart 3
propose 1 e
deliver
pass 1
expect committed all a b c d e
expect agreed all 6
