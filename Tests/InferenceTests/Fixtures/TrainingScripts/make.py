#!/usr/bin/env python3
"""Writes the checkpoints beside this script as training scripts do, with everything that they store beside the weights, and
expected.json with their expected contents, as ../Checkpoints/make.py does for plain ones.

Needs torch and numpy. Frameworks are replaced by empty modules that define classes of the same names: the pickles name
`pytorch_lightning.utilities.parsing.AttributeDict` just as Lightning's do.
"""

import argparse
import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import http
import os
import pathlib
import pickle
import random
import re
import sys
import types
import uuid

import numpy
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import expectations
from expectations import expect

os.chdir(pathlib.Path(__file__).parent)
torch.manual_seed(0)


def stand_in(module, **classes):
    """Stand-ins for a framework's classes, so that pickles contain their names."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:end]), types.ModuleType(".".join(parts[:end])))
    for name, value in classes.items():
        value.__module__, value.__qualname__, value.__name__ = module, name, name
        setattr(sys.modules[module], name, value)
        globals()[name] = value


class _AttributeDict(dict): pass
class _CfgNode(dict): pass
class _DictConfig: pass
class _ConfigDict(dict): pass
class _Kind(enum.Enum):
    BEST = "best"
class _Hyper(argparse.Namespace): pass
class _Marked(torch.Tensor): pass
@dataclasses.dataclass
class _Settings:
    rate: float = 0.1
class _Point(collections.namedtuple("Point", "x y")): pass
class _Stack(list): pass


stand_in("pytorch_lightning.utilities.parsing", AttributeDict=_AttributeDict)
stand_in("yacs.config", CfgNode=_CfgNode)
stand_in("omegaconf.dictconfig", DictConfig=_DictConfig)
stand_in("mmengine.config.config", ConfigDict=_ConfigDict)
stand_in("project.train", Kind=_Kind, Settings=_Settings, Point=_Point, Stack=_Stack)
stand_in("project.tensors", Marked=_Marked)

network = torch.nn.Sequential(
    collections.OrderedDict(conv=torch.nn.Conv2d(2, 3, 3), bn=torch.nn.BatchNorm2d(3), flat=torch.nn.Flatten(),
                            fc=torch.nn.Linear(12, 2)))
optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
schedule = torch.optim.lr_scheduler.SequentialLR(
    optimizer, [torch.optim.lr_scheduler.LinearLR(optimizer), torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 9)], [1])
network(torch.randn(2, 2, 4, 4)).sum().backward()
optimizer.step()
average = torch.optim.swa_utils.AveragedModel(network, use_buffers=True)
average.update_parameters(network)
state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
other = {name: tensor + 1 if tensor.dtype.is_floating_point else tensor for name, tensor in state.items()}
arguments = argparse.Namespace(
    model="alexnet", lr=0.1, device=torch.device("cpu"), output_dir=pathlib.PosixPath("runs/1"), resume=None,
    milestones=[3, 6], norm=functools.partial(torch.nn.init.normal_, std=0.02), kind=Kind.BEST)


def save(file, value, tensors, both=True, **options):
    torch.save(value, file, **options)
    expect(file, tensors)
    if both:  # in the legacy format (before version 1.6) too
        torch.save(value, "stacked-" + file, _use_new_zipfile_serialization=False, **options)
        expect("stacked-" + file, tensors)


# torchvision's references/classification/train.py
torchvision = {
    "model": state, "optimizer": optimizer.state_dict(), "lr_scheduler": schedule.state_dict(), "epoch": 7,
    "args": arguments, "model_ema": average.state_dict(), "scaler": {"scale": 65536.0, "growth_factor": 2.0},
}
save("torchvision.pth", torchvision, state)
# timm's train.py
save("timm.pth.tar", {
    "epoch": 7, "arch": "resnet18", "state_dict": state, "optimizer": optimizer.state_dict(), "version": 2,
    "args": arguments, "amp_scaler": {"scale": 1.0}, "state_dict_ema": other, "metric": numpy.float64(81.2)}, state)
# PyTorch's examples/imagenet
save("imagenet.pth.tar", {
    "epoch": 7, "arch": "alexnet", "state_dict": {f"module.{n}": t for n, t in state.items()},
    "best_acc1": torch.tensor(81.2), "optimizer": optimizer.state_dict(), "scheduler": schedule.state_dict()}, state)
# Lightning
hyper = AttributeDict(lr=0.1, path=pathlib.PosixPath("data"), counts=collections.Counter("abca"))
hyper.note = "an attribute"
save("lightning.ckpt", {
    "epoch": 7, "global_step": 700, "pytorch-lightning_version": "2.1.0", "state_dict": state,
    "loops": {"fit_loop": {"state_dict": {}, "epoch_loop.batch_progress": {"total": {"ready": 7}}}},
    "callbacks": {"ModelCheckpoint{'monitor': 'val_loss'}": {
        "best_model_score": torch.tensor(0.3), "best_k_models": {"a.ckpt": torch.tensor(0.3)}, "dirpath": "."}},
    "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [schedule.state_dict()],
    "hparams_name": "hparams", "hyper_parameters": hyper}, state)
# Detectron2, OpenMMLab, Hydra
cfg = CfgNode(MODEL=CfgNode(WEIGHTS="", MEAN=[1.0]))
cfg.__dict__["__immutable__"] = True
conf = DictConfig()
conf.__dict__.update(_content={"a": collections.defaultdict(list)}, _parent=conf, _metadata={"ref_type": type(None)})
save("configured.pth", {
    "meta": {"cfg": ConfigDict(a=1), "time": datetime.datetime(2024, 2, 3), "CLASSES": ("a", "b")}, "state_dict": state,
    "cfg": cfg, "config": conf}, state)

# Other objects that pickle can name.
pattern = collections.OrderedDict(a=1)
pattern.note = "an attribute of a dictionary"
beside = {
    "namespace": types.SimpleNamespace(a=1), "arguments": arguments, "counter": collections.Counter([3, 3]),
    "defaults": collections.defaultdict(list, a=[1]), "numbers": collections.defaultdict(int), "ordered": pattern,
    "path": pathlib.PosixPath("a/b"), "partial": functools.partial(print, end=""), "layout": torch.strided,
    "format": torch.channels_last, "device": torch.device("cuda:0"), "dtype": torch.bfloat16, "size": torch.Size([1, 2]),
    "enum": Kind.BEST, "status": http.HTTPStatus.OK, "scalar": numpy.float32(1), "integer": numpy.int64(2),
    "numpy dtype": numpy.dtype("f8"), "structured": numpy.zeros(2, [("a", "f4"), ("b", "i8")]),
    "words": numpy.array(["a", "bc"]), "objects": numpy.array([None, {}], dtype=object), "times": numpy.zeros(1, "M8[s]"),
    "big-endian": numpy.ones(2, ">f4"), "masked": numpy.ma.masked_array([1.0, 2.0], [0, 1]),
    "random": numpy.random.RandomState(0), "generator": numpy.random.default_rng(0), "python random": random.Random(0),
    "time": datetime.datetime(2024, 2, 3, tzinfo=datetime.timezone.utc), "decimal": decimal.Decimal("1.5"),
    "fraction": fractions.Fraction(1, 3), "complex": 1j, "range": range(3), "slice": slice(1, 2), "bytes": b"abc",
    "bytearray": bytearray(b"abc"), "frozen": frozenset([1]), "set": {1, "a"}, "deque": collections.deque([1], 3),
    "pattern": re.compile("a+"), "uuid": uuid.UUID(int=5), "class": collections.OrderedDict, "function": print,
    "method": torch.nn.Module.forward, "settings": Settings(), "point": Point(1, 2), "stack": Stack([1]),
    "exception": ValueError("a"), "long": 2**200, "odd name": "\udcff", "ellipsis": ..., "none": type(None),
    "module": torch.nn.Linear(2, 2), "optimizer": optimizer, "scheduler": schedule, "loss": torch.nn.CrossEntropyLoss(),
    "sparse": torch.eye(2).to_sparse(), "storage": torch.ones(2).untyped_storage(), "typed": torch.ones(2).storage(),
    "history": [{"loss": 1.0}] * 3,
}
for protocol in (5, 4, 3, 2):
    if protocol < 4:  # older protocols cannot name nested attributes
        beside.pop("format", None)
    save(f"objects-protocol-{protocol}.pth", {"state_dict": state, **beside}, state, pickle_protocol=protocol)
beside["format"] = torch.channels_last
# Objects that protocol 1 supports.
save("objects-protocol-1.pth", {"state_dict": state, "args": arguments, "hyper": hyper, "cfg": cfg, "enum": Kind.BEST,
                                "set": {1}, "path": pathlib.PosixPath("a")}, state, pickle_protocol=1)
save("objects-first.pth", {**beside, "state_dict": state}, state, pickle_protocol=4)
save("objects-among.pth", {**state, **beside}, state, pickle_protocol=4)

# Tensors of subclasses and with attributes.
parameter = torch.nn.Parameter(torch.randn(2, 3))
parameter.decay = False
marked = torch.randn(3).as_subclass(Marked)
attributed = torch.randn(2)
attributed.source = pathlib.PosixPath("a")
special = collections.OrderedDict(
    parameter=parameter, marked=marked, attributed=attributed, buffer=torch.nn.Buffer(torch.randn(2)))
save("subclasses.pth", special, {n: t.detach().as_subclass(torch.Tensor) for n, t in special.items()})

# Wrappers under a common key and under the only key; averaged weights where there are no others.
for key in ("state_dict_ema", "model_ema", "ema", "params", "params_ema", "network", "weights", "module", "alexnet_final"):
    save(f"wrapped-{key}.pth", {"epoch": 3, key: state, "optimizer": optimizer.state_dict()}, state, both=False)
save("wrapped-model-and-ema.pth", {"model_ema": other, "model": state}, state, both=False)
save("wrapped-in-unusual.pth", {"experiment": {"alexnet": state, "lr": 0.1}, "step": 3}, state, both=False)
for name, kind in (("defaultdict", lambda s: collections.defaultdict(int, s)), ("attributes", AttributeDict)):
    save(f"wrapped-{name}.pth", {"state_dict": kind(state)}, state)

# NumPy arrays instead of tensors.
arrays = {name: tensor.numpy() for name, tensor in state.items()}
save("arrays.pth", arrays, state)
expectations.expected["arrays.pth"]["skipped"] = [["bn.num_batches_tracked", "<i8"]]
expectations.expected["stacked-arrays.pth"]["skipped"] = [["bn.num_batches_tracked", "<i8"]]

expectations.write()

# A dictionary of layers in TensorFlow's layout, beside the same extra entries.
numpy.save("layers.npy", {
    "conv1": [numpy.arange(18, dtype="f4").reshape(3, 3, 1, 2), numpy.ones(2, "f4")], "args": arguments, "classes": ["a", "b"],
    "config": {"lr": 0.1, "name": "alexnet"}, "counter": collections.Counter("ab"), "path": pathlib.PosixPath("a"),
}, allow_pickle=True)
