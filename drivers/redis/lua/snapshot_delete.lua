local data, index, info = unpack(KEYS)
redis.call('UNLINK', data)
redis.call('HDEL', info, ARGV[1])
redis.call('ZREM', index, ARGV[1])
return {}
