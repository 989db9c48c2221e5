-- When the first of the keys expires that have not yet, as far as is known, and some
-- of those that have.
local expiries, limit = KEYS[1], ARGV[1]
local past = digits(math.floor(now() / 1000))
local due = redis.call('ZRANGEBYSCORE', expiries, '-inf', past, 'LIMIT', 0, limit)
local coming = redis.call('ZRANGEBYSCORE', expiries, '(' .. past, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
table.insert(due, 1, coming[2] and digits(tonumber(coming[2])) or '')
return due
