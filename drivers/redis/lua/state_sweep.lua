-- Forgets expired keys, whose values the server removes by itself. Returns how many,
-- and when the next one is due.
local keys, entries, expiries = unpack(KEYS)
local limit = ARGV[1]
local due = redis.call('ZRANGEBYSCORE', expiries, '-inf', digits(math.floor(now() / 1000)), 'LIMIT', 0, limit)
if #due > 0 then
  redis.call('ZREM', keys, unpack(due))
  redis.call('HDEL', entries, unpack(due))
  redis.call('ZREM', expiries, unpack(due))
end
local first = redis.call('ZRANGE', expiries, 0, 0, 'WITHSCORES')
return {#due, first[2] and digits(tonumber(first[2])) or ''}
