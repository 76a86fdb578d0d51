-- The load for wrk. Arguments: bytes, number of known URLs, one unseen in so many (0: none), ETag or "-", mark of this run.

local requests, unseen = {}, 0
local bytes, known, every, etag, mark

local function format(name)
  return wrk.format('GET', '/' .. bytes .. '/' .. name)
end

function init(args)
  bytes, known, every, etag, mark = args[1], tonumber(args[2]), tonumber(args[3]), args[4], args[5]
  if etag ~= '-' then wrk.headers['If-None-Match'] = etag end
  for i = 1, known do requests[i] = format(i) end
end

local count, at = 0, 0

function request()
  count = count + 1
  if every > 0 and count % every == 0 then
    unseen = unseen + 1
    return format(mark .. '-' .. unseen)
  end
  -- A step that has no divisor in common with the number of URLs visits all of them, not one after the other.
  at = (at + 7919) % known
  return requests[at + 1]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%f,"errors":%d,"p50":%f,"p99":%f}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
