local value, keys, entries, expiries = unpack(KEYS)
local key, expected = unpack(ARGV)
local actual = current(value, entries, key, now())
if expected ~= '' and expected ~= actual then return {'refused', actual} end
redis.call('UNLINK', value)
redis.call('ZREM', keys, key)
redis.call('HDEL', entries, key)
redis.call('ZREM', expiries, key)
return {'done', actual}
