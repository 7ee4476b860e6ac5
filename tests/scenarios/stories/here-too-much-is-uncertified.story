# At most a bounded number of committed payloads is uncertified; then proposals are refused.
nodes 1 2 3
limit max-uncertified 2
elect 1
hold certifying 1
propose 1 a
deliver
propose 1 b
deliver
propose 1 c
deliver
expect refusal 1 too-uncertified
release certifying 1
