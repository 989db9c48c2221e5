-- Forgets the keys whose entries the server has removed. One that has been set again
-- without a TTL is not looked at again.
local keys, expiries = KEYS[1], KEYS[2]
for i, key in ipairs(ARGV) do
  local expires = string.match(redis.call('GETRANGE', KEYS[2 + i], 0, 40), '^%d+ (%d+) ')
  if not expires then redis.call('ZREM', keys, key) end
  if expires and expires ~= '0' then
    redis.call('ZADD', expiries, expires, key)
  else
    redis.call('ZREM', expiries, key)
  end
end
return {}
