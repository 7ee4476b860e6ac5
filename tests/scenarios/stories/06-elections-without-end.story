# Mistake 6: pre-vote without stickiness, under a partition one way (Cloudflare, 2020-11-02: six and a half hours).
# 3 does not hear the leader, and all hear 3. Those who hear the leader must not be drawn into elections.
nodes 1 2 3
elect 1
propose 1 a
deliver
cut 1 -> 3
pass 100
expect leader 1 term 1
expect term all 1
propose 1 b
deliver
expect committed 1,2 a b
