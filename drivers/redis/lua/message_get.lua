local id, deleted_too = ARGV[1], ARGV[2] == '1'
local message = message_of(id)
if not message or (not deleted_too and (message[11] ~= '' or update_of(message[1])[3] ~= '')) then return {'missing'} end
return add_message({'done'}, id, message)
