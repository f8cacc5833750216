// The camera, and what the model sees of it. `element`, `props`, `server`, `trigger` and `watch` come from Gradio, `server.look`
// and `LONGEST_PX` from live.py. A frame is sent when the one before the last has been answered: so the studio always has work,
// and never more than it can do. Nothing is sent while this is out of sight.
const AT_ONCE = 2, WINDOW = 12, RETRY_MS = 1000, PATIENCE_MS = 10000;
const part = (name) => element.querySelector(`[data-part=${name}]`);
const [begin, end, which, said, empty, video, seen, fps, readout] =
  ["begin", "end", "which", "said", "empty", "video", "seen", "fps", "readout"].map(part);
const canvas = document.createElement("canvas");
const IDLE = empty.textContent;

let stream = null;   // the camera's, while it is on
let session = "";    // under which the studio keeps the form's other values
let settled = 0;     // when it was last asked to
let sent = 0;        // frames so far
let shown = 0;       // the number of the last one that was shown
let waiting = 0;     // frames without an answer
let times = [];      // when the last answers were shown
let restUntil = 0;   // when to send again, after an error
let visible = true;

const REASONS = {
  NotAllowedError: "The browser does not let this page use the camera. Allow it beside the address, then start again.",
  NotFoundError: "No camera was found.",
  NotReadableError: "The camera cannot be read: another program may be using it.",
};

function say(text) {
  said.textContent = text;
  said.hidden = !text;
}

async function start(camera) {
  say("");
  if (!navigator.mediaDevices) {
    say("Browsers hand over the camera only over https, or to a studio on the same machine.");
    return;
  }
  stop();
  begin.disabled = true;
  try {
    const wanted = camera ? { deviceId: { exact: camera } } : { facingMode: "user" };
    stream = await navigator.mediaDevices.getUserMedia({ video: { ...wanted, width: 640, height: 480 } });
    video.srcObject = stream;
    await video.play();
    stream.getVideoTracks()[0].addEventListener("ended", stop);
    await choices();
  } catch (error) {
    stop();
    say(REASONS[error.name] || `The camera cannot be used: ${error.message}`);
    return;
  } finally {
    begin.disabled = false;
  }
  begin.hidden = true;
  end.hidden = video.hidden = false;
  empty.textContent = "The model is being made ready.";
  settle();
  next();
}

function stop() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = video.srcObject = null;
  times = [];
  begin.hidden = false;
  end.hidden = video.hidden = which.hidden = true;
  empty.textContent = IDLE;
}

async function choices() {
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
  const now = stream.getVideoTracks()[0].getSettings().deviceId;
  which.replaceChildren(...cameras.map((each, place) =>
    new Option(each.label || `Camera ${place + 1}`, each.deviceId, false, each.deviceId === now)));
  which.hidden = cameras.length < 2;
}

// The form's other values are read anew: they are in another tab, and may have changed since.
function settle() {
  session = "";
  settled = performance.now();
  trigger("submit");
}

function next() {
  if (!stream) return;
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(frame);
  else requestAnimationFrame(frame);
}

function frame() {
  const now = performance.now();
  if (stream && visible && !document.hidden) {
    if (session && waiting < AT_ONCE && now > restUntil) send();
    if (!session && now > settled + PATIENCE_MS) settle();
  }
  next();
}

async function send() {
  const number = ++sent;
  waiting += 1;
  try {
    const share = Math.min(1, LONGEST_PX / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * share);
    canvas.height = Math.round(video.videoHeight * share);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = await encoded();
    const answer = await server.look({ session, frame: picture });
    if (answer.unknown) {
      if (session) settle(); // the studio was started anew
    } else if (stream && number > shown) {
      shown = number;
      show(answer, picture);
    }
    if (answer.failed) restUntil = performance.now() + RETRY_MS;
    say("");
  } catch {
    restUntil = performance.now() + RETRY_MS;
    if (stream) say("The studio does not answer. Trying again.");
  } finally {
    waiting -= 1;
  }
}

function encoded() {
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.onerror = reject;
      reader.readAsDataURL(blob);
    }, "image/jpeg", 0.9));
}

function show(answer, picture) {
  if (!answer.failed) {
    seen.src = answer.picture || picture;
    seen.hidden = false;
    empty.hidden = true;
    times = [...times, performance.now()].slice(-WINDOW);
    const span = (times[times.length - 1] - times[0]) / 1000;
    fps.textContent = times.length > 1 ? `${((times.length - 1) / span).toFixed(1)} frames/s` : "first frame";
  }
  readout.innerHTML = answer.readout;
}

begin.addEventListener("click", () => start());
end.addEventListener("click", stop);
which.addEventListener("change", () => start(which.value));
watch(Object.keys({ session }), () => (session = props.session));
new IntersectionObserver(([entry]) => {
  const back = entry.isIntersecting && !visible;
  visible = entry.isIntersecting;
  if (back && stream) settle();
}).observe(element);
