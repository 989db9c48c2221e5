local id, thread, parent, execution, role, created, version, content, parts, details = unpack(ARGV)
local message = message_of(id)
if not message or message[11] ~= '' then return {'missing'} end
local update = update_of(message[1])
if update[3] ~= '' then return {'missing'} end
if thread ~= message[1] or parent ~= message[2] or execution ~= message[3] or role ~= message[4] or created ~= message[9] or version ~= message[12] then
  return add_message({'refused'}, id, message)
end
touch(thread, update)
message[5], message[6], message[7] = content, parts, details
message[10] = update[2]
message[12] = digits(tonumber(version) + 1)
put_message(id, message)
return add_message({'done'}, id, message)
