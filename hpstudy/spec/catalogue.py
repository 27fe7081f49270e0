"""Every architecture, data set, setting, optimizer, sampler and pruner by name.

Names become things through these rows and nowhere else. A row's `target` is `"module:function"`; a test
compares each row with the signature that it names. To add an architecture or a data set, write its file and
add its row.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from hpstudy.spec.rows import ArchitectureRow, DatasetRow, Interval, Option, Row

TORCHVISION = "torchvision:"
"""What the names of torchvision's architectures begin with."""

POSITIVE = Interval(low=0, open_low=True)
COUNT = Interval(low=1)

MOMENTUM_OPTIMIZERS = ("sgd", "rmsprop")

OPTIMIZERS: tuple[Row, ...] = (
    Row("sgd", "torch.optim:SGD", meaning="stochastic gradient descent, with momentum where set"),
    Row("adam", "torch.optim:Adam", meaning="Adam; weight decay is added to the gradient"),
    Row("adamw", "torch.optim:AdamW", meaning="Adam with decoupled weight decay"),
    Row("rmsprop", "torch.optim:RMSprop", meaning="RMSprop, with momentum where set"),
    Row("adagrad", "torch.optim:Adagrad", meaning="Adagrad"),
)

SETTINGS: tuple[Option, ...] = (
    Option(
        "learning_rate",
        "float",
        0.01,
        POSITIVE,
        meaning="step size of the first epoch",
        also=("lr", "alpha", "eta", "initial_lr", "lr0", "learningrate"),
    ),
    Option(
        "optimizer",
        "choice",
        "sgd",
        choices=tuple(row.name for row in OPTIMIZERS),
        meaning="update rule",
        also=("opt", "optim", "solver"),
    ),
    Option(
        "momentum",
        "float",
        0.0,
        Interval(0, 1, open_high=True),
        optimizers=MOMENTUM_OPTIMIZERS,
        meaning="share of the last update that is kept",
        also=("mom", "beta"),
    ),
    Option(
        "batch_size",
        "int",
        64,
        COUNT,
        meaning="images a step",
        also=("bs", "batch", "batches", "batchsize", "minibatch"),
    ),
    Option(
        "dropout",
        "float",
        0.0,
        Interval(0, 1, open_high=True),
        meaning="share of units left out",
        also=("drop", "drop_rate", "dropout_rate", "dropout_prob", "p_drop"),
    ),
    Option(
        "weight_decay",
        "float",
        0.0,
        Interval(low=0),
        meaning="pull of the weights towards zero (L2)",
        also=("wd", "l2", "decay", "weightdecay"),
    ),
    Option(
        "step_gamma",
        "float",
        1.0,
        Interval(0, 1, open_low=True),
        meaning="StepLR: the learning rate is multiplied by it every step_size epochs",
        also=("gamma", "lr_gamma", "lr_decay", "lr_step_gamma"),
    ),
    Option(
        "step_size",
        "int",
        1,
        COUNT,
        meaning="StepLR: epochs between two multiplications",
        also=("step", "lr_step", "lr_step_size"),
    ),
    Option(
        "augment",
        "choice",
        "none",
        choices=("none", "flip", "crop", "crop_flip"),
        meaning="random changes of the training images, drawn for each image",
        also=("aug", "augmentation", "augmentations", "transforms"),
    ),
    Option(
        "precision",
        "choice",
        "float32",
        choices=("float32", "bfloat16"),
        meaning="bfloat16: autocast, for heavier networks where the processor has it",
        also=("amp", "dtype", "mixed_precision"),
    ),
)

_STARTUP = Option(
    "startup_trials",
    "int",
    10,
    Interval(low=0),
    argument="n_startup_trials",
    meaning="random trials before it begins",
)

SAMPLERS: tuple[Row, ...] = (
    Row("tpe", "optuna.samplers:TPESampler", (_STARTUP,), "tree-structured Parzen estimator"),
    Row("random", "optuna.samplers:RandomSampler", (), "independent draws"),
    Row(
        "grid",
        "optuna.samplers:BruteForceSampler",
        (),
        "every combination of lists and stepped ranges, once each",
    ),
    Row("gp", "optuna.samplers:GPSampler", (_STARTUP,), "Gaussian process; ignores pruned trials"),
    Row(
        "cmaes",
        "optuna.samplers:CmaEsSampler",
        (
            Option(
                "startup_trials",
                "int",
                1,
                Interval(low=0),
                argument="n_startup_trials",
                meaning="random trials before it begins",
            ),
        ),
        "covariance matrix adaptation, for ranges",
    ),
    Row(
        "qmc",
        "optuna.samplers:QMCSampler",
        (
            Option(
                "sequence",
                "choice",
                "sobol",
                choices=("sobol", "halton"),
                argument="qmc_type",
                meaning="which one",
            ),
        ),
        "quasi-random sequence",
    ),
)

_PRUNER_STARTUP = Option(
    "startup_trials",
    "int",
    5,
    Interval(low=0),
    argument="n_startup_trials",
    meaning="complete trials before anything is pruned",
)
_WARMUP = Option(
    "warmup_epochs",
    "int",
    3,
    Interval(low=0),
    argument="n_warmup_steps",
    meaning="first epochs that are never pruned",
)
_REDUCTION = Option(
    "reduction_factor",
    "int",
    4,
    Interval(low=2),
    argument="reduction_factor",
    meaning="one in so many goes on",
)
_MIN_EPOCHS = Option("min_epochs", "int", 2, COUNT, argument="min_resource", meaning="epochs before the first cut")

PRUNERS: tuple[Row, ...] = (
    Row(
        "successive_halving",
        "optuna.pruners:SuccessiveHalvingPruner",
        (_MIN_EPOCHS, _REDUCTION),
        "keeps one in reduction_factor at each cut",
    ),
    Row(
        "median",
        "optuna.pruners:MedianPruner",
        (_PRUNER_STARTUP, _WARMUP),
        "stops a trial below the median of the complete ones at the same epoch",
    ),
    Row(
        "percentile",
        "optuna.pruners:PercentilePruner",
        (
            Option(
                "percentile",
                "float",
                25.0,
                Interval(0, 100, open_low=True),
                meaning="share of the trials kept, in %",
            ),
            _PRUNER_STARTUP,
            _WARMUP,
        ),
        "as median, at another percentile",
    ),
    Row(
        "hyperband",
        "optuna.pruners:HyperbandPruner",
        (_MIN_EPOCHS, _REDUCTION),
        "several successive halvings with different first cuts",
    ),
    Row("none", "optuna.pruners:NopPruner", (), "every trial is trained to its end"),
)

_ACTIVATIONS = Option(
    "activations",
    "choice",
    "published",
    choices=("published", "all"),
    meaning="all: ReLU also between conv 3, 4, 5 and between the linear layers",
)

ARCHITECTURES: tuple[ArchitectureRow, ...] = (
    ArchitectureRow(
        "lenet5",
        "hpstudy.architectures.lenet:lenet5",
        (Option("width", "int", 1, COUNT, meaning="multiplies the 6 and 16 convolution kernels"),),
        "LeNet-5 with ReLU and max-pooling",
        parameters=61_706,
    ),
    ArchitectureRow(
        "lenet5-sigmoid",
        "hpstudy.architectures.lenet:lenet5_sigmoid",
        (),
        "LeNet-5 with sigmoid, average pooling and Xavier-uniform weights",
        parameters=61_706,
    ),
    ArchitectureRow(
        "alexnet-cifar",
        "hpstudy.architectures.alexnet:alexnet_cifar",
        (_ACTIVATIONS,),
        "AlexNet cut down to 32×32",
        input_shape=(3, 32, 32),
        parameters=3_868_746,
    ),
    ArchitectureRow(
        "alexnet",
        "hpstudy.architectures.alexnet:alexnet",
        (
            Option(
                "hidden",
                "int",
                2048,
                COUNT,
                meaning="units of the two hidden linear layers; 4096 in the original",
            ),
            Option("lrn", "bool", default=False, meaning="local response normalisation after conv 1 and 2"),
            Option("stem_padding", "int", 2, Interval(low=0), meaning="padding of conv 1"),
            Option(
                "init",
                "choice",
                "default",
                choices=("default", "kaiming"),
                meaning="kaiming: Kaiming-normal convolutions, N(0, 0.01) linear weights",
            ),
        ),
        "AlexNet for 224×224",
        dropout=0.5,
        input_shape=(3, 224, 224),
        n_classes=1000,
        parameters=28_868_968,
    ),
    ArchitectureRow(
        "cnn",
        "hpstudy.architectures.cnn:cnn",
        (
            Option(
                "blocks",
                "int",
                2,
                Interval(low=1, high=8),
                meaning="convolution blocks, with 16, 32, 64, … channels",
            ),
        ),
        "convolution blocks with batch norm",
        input_shape=(3, 32, 32),
        parameters=34_634,
    ),
    ArchitectureRow(
        "inception-mini",
        "hpstudy.architectures.inception:inception_mini",
        (),
        "two Inception blocks",
        parameters=97_298,
    ),
    ArchitectureRow(
        "resnet-mini",
        "hpstudy.architectures.resnet:resnet_mini",
        (),
        "two residual blocks",
        parameters=41_514,
    ),
)

DATASETS: tuple[DatasetRow, ...] = (
    DatasetRow(
        "fashion_mnist",
        "hpstudy.datasets.idx:load_fashion_mnist",
        meaning="70,000 grey pictures of clothes",
        shape=(1, 28, 28),
        n_classes=10,
        n_train=60_000,
        folder="FashionMNIST/raw",
    ),
    DatasetRow(
        "mnist",
        "hpstudy.datasets.idx:load_mnist",
        meaning="70,000 handwritten digits",
        shape=(1, 28, 28),
        n_classes=10,
        n_train=60_000,
        mean=(0.1307,),
        std=(0.3081,),
        folder="MNIST/raw",
    ),
    DatasetRow(
        "kmnist",
        "hpstudy.datasets.idx:load_kmnist",
        meaning="70,000 cursive Japanese characters",
        shape=(1, 28, 28),
        n_classes=10,
        n_train=60_000,
        folder="KMNIST/raw",
    ),
    DatasetRow(
        "cifar10",
        "hpstudy.datasets.cifar:load_cifar10",
        meaning="60,000 small colour photographs, 10 classes",
        shape=(3, 32, 32),
        n_classes=10,
        n_train=50_000,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        folder="cifar-10-batches-bin",
    ),
    DatasetRow(
        "cifar100",
        "hpstudy.datasets.cifar:load_cifar100",
        meaning="60,000 small colour photographs, 100 classes",
        shape=(3, 32, 32),
        n_classes=100,
        n_train=50_000,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        folder="cifar-100-binary",
    ),
    DatasetRow(
        "svhn",
        "hpstudy.datasets.svhn:load_svhn",
        meaning="99,289 house numbers from street pictures",
        shape=(3, 32, 32),
        n_classes=10,
        n_train=73_257,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        folder="svhn",
    ),
    DatasetRow(
        "fer2013",
        "hpstudy.datasets.fer2013:load_fer2013",
        meaning="35,887 grey faces, 7 expressions (you bring Kaggle's file)",
        shape=(1, 48, 48),
        n_classes=7,
        n_train=28_709,
        folder="fer2013",
    ),
    DatasetRow(
        "digits",
        "hpstudy.datasets.digits:load_digits",
        meaning="1,797 handwritten digits that scikit-learn carries: nothing to fetch",
        shape=(1, 8, 8),
        n_classes=10,
        n_train=1_437,
    ),
    DatasetRow(
        "image_folder",
        "hpstudy.datasets.folder:load_image_folder",
        meaning="your own pictures: root/train/CLASS and root/test/CLASS, or root/CLASS split by hpstudy",
    ),
)


def is_own_code(architecture: str) -> bool:
    """Whether an architecture's name stands for the user's own function: `nets.py:Net`, `package.module:Net`."""
    return ":" in architecture and not architecture.startswith(TORCHVISION)


def resolve(target: str) -> Any:  # noqa: ANN401  # whatever the row names; tests compare its signature
    """What a row's target names, imported: `"torch.optim:SGD"` gives the class."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def by_name(rows: tuple[Row, ...]) -> Mapping[str, Row]:
    """The rows of one kind, keyed by name."""
    return {row.name: row for row in rows}
