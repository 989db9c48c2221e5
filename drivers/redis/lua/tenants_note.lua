-- Remembers that a tenant has something that expires at a time, or earlier.
redis.call('ZADD', KEYS[1], 'LT', ARGV[1], ARGV[2])
return {}
