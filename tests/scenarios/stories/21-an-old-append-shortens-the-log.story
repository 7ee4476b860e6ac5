# Mistake 21, its other half: an append that comes late, or twice, truncates a longer log that matches it.
nodes 1 2 3
elect 1
propose 1 a
duplicate 1 -> 2 append
hold 1 -> 2 append last
deliver
propose 1 b c
deliver
expect committed all a b c
release 1 -> 2 append
deliver
expect log 2 1:* 1:a 1:b 1:c
