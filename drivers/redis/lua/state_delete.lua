local entry, keys, expiries = unpack(KEYS)
local key, expected = unpack(ARGV)
local actual = version(entry)
if expected ~= '' and expected ~= actual then return {'refused', actual} end
redis.call('UNLINK', entry)
redis.call('ZREM', keys, key)
redis.call('ZREM', expiries, key)
return {'done', actual}
