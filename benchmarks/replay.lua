-- Lets wrk send requests that are ready: `wrk … -s replay.lua URL -- FILE`.
-- FILE holds them one after the other, each as it goes over the wire behind a line with its length in bytes.

local requests, sent = {}, 0

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   local size = file:read("*n")
   while size do
      file:read(1)
      table.insert(requests, file:read(size))
      size = file:read("*n")
   end
   file:close()
end

function request()
   sent = sent % #requests + 1
   return requests[sent]
end

function done(summary, latency)
   local errors = summary.errors
   print(string.format(
      '{"requests": %d, "us": %d, "refused": %d, "broken": %d, "p50_ms": %.2f, "p99_ms": %.2f}',
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
