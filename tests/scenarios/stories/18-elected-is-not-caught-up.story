# Mistake 18: a new leader takes proposals before an entry of its own term is committed (Redpanda 3036).
nodes 1 2 3
hold 1 -> all append
elect 1
expect refusal 1 not-ready
release 1 -> all append
deliver
propose 1 a
deliver
expect committed all a
