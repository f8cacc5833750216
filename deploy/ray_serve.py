"""Models lent by Ray Serve, on one machine or many: `serve run deploy.ray_serve:app`.

Each replica is a model server (surfaces/model_server.py). Serve starts more of them as calls wait and fewer when they
do not, and sends a call to a replica that has its model loaded already. Studios reach them at Serve's address:
ATELIER_MODEL_SERVER=http://127.0.0.1:8000. The replicas read the settings of a studio; those of its memory, device and
ATELIER_MODEL_SERVER_KEY count. Without that key whoever reaches the address can run models.
"""

# no postponed annotations here: Serve hands these functions on to FastAPI, which then could not read them
from fastapi import FastAPI, WebSocket
from ray import serve

from studio.catalogue import Catalogue
from studio.settings import Settings
from surfaces.model_server import ModelServer

#: Models that one replica holds before Serve takes its calls elsewhere; its memory budget may hold fewer.
_MODELS = 8

api = FastAPI(openapi_url=None)


class _Held:
    """Stands for a loaded model in Serve's books: where it is given up there, its memory is given back."""

    def __init__(self, server: ModelServer, model: str) -> None:
        self._server, self._model = server, model

    def __del__(self) -> None:
        self._server.pool.unload(self._model)


@serve.deployment(
    max_ongoing_requests=8,
    graceful_shutdown_timeout_s=60,
    autoscaling_config={"min_replicas": 1, "max_replicas": 8, "target_ongoing_requests": 2},
)
@serve.ingress(api)
class Models:
    """One replica.

    Args:
        packages: where families are found.
    """

    def __init__(self, packages: tuple[str, ...] = ("backends",)) -> None:
        self._server = ModelServer(Settings(), Catalogue.discover(packages))

    @api.websocket("/lease")
    async def lease(self, socket: WebSocket) -> None:
        """One lease, for as long as its connection lasts."""
        model = serve.get_multiplexed_model_id()
        if model:
            await self._model(model)
        await self._server.lend(socket)

    @serve.multiplexed(max_num_models_per_replica=_MODELS)
    async def _model(self, model: str) -> _Held:
        return _Held(self._server, model)


app = Models.bind()
