"""The devices that the encoder's tests run on: the processor always, a GPU where there is one."""

import torch

DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
