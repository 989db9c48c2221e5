local id = ARGV[1]
local message = message_of(id)
if not message then return {'missing'} end
local update = update_of(message[1])
if message[11] ~= '' then
  again(message[1], update)
  return {'done'}
end
touch(message[1], update)
message[10], message[11] = update[2], update[2]
put_message(id, message)
local at = place(id, message)
redis.call('ZREM', LIVE, at)
if message[3] ~= '' then redis.call('ZREM', LIVEMADE, message[3] .. '\0' .. at) end
return {'done'}
