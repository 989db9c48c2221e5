-- Takes tenants with something expired out of the queue, and puts them at the end of
-- it, should the one who has taken them not come back.
local tenants = KEYS[1]
local limit, later = ARGV[1], tonumber(ARGV[2])
local at = math.floor(now() / 1000)
local due = redis.call('ZRANGEBYSCORE', tenants, '-inf', digits(at), 'LIMIT', 0, limit)
for _, tenant in ipairs(due) do redis.call('ZADD', tenants, digits(at + later), tenant) end
return due
