local value, keys, entries, expiries, clock = unpack(KEYS)
local key, content, ttl, expected = unpack(ARGV)
local at = now()
local actual = current(value, entries, key, at)
if expected ~= '' and expected ~= actual then return {'refused', actual} end
local version = digits(math.max((tonumber(redis.call('GET', clock)) or 0) + 1, at))
local expires = '0'
if ttl == '0' then
  redis.call('SET', value, content)
  redis.call('ZREM', expiries, key)
else
  expires = digits(math.ceil(at / 1000) + tonumber(ttl))
  redis.call('SET', value, content, 'PXAT', expires)
  redis.call('ZADD', expiries, expires, key)
end
redis.call('SET', clock, version)
redis.call('HSET', entries, key, version .. ' ' .. expires)
redis.call('ZADD', keys, 0, key)
return {'done', version}
