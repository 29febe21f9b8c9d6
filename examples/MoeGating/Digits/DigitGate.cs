using TorchSharpSoftmax;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoeGating;

/// <summary>A network to compare: eight experts of 16 units under a gate, or a single network without one.</summary>
/// <param name="Name">That of its folder.</param>
/// <param name="Title">For people.</param>
/// <param name="CreateRouter">The gate, for so many steps of training; null: none.</param>
/// <param name="Hidden">Units of an expert, or of the single network.</param>
internal sealed record DigitGate(string Name, string Title, Func<int, Router>? CreateRouter, int Hidden = DigitGate.ExpertUnits)
{
    public const int Experts = 8;
    public const int ExpertUnits = 16;

    private const int Pixels = DigitsData.Features;

    public static readonly DigitGate[] All =
    [
        new("one-16", "no gate: one expert's 16 units", null),
        new("one-128", "no gate: 128 units, as many weights", null, Experts * ExpertUnits),
        new("softmax", "softmax over all experts", _ => Router.Of(nn.DenseToSparseGate(
            Pixels, Experts, bias: false, options: new() { threshold = 0, evaluation = DenseToSparseEvaluation.Dense }))),
        new("top2", "top-2", _ => Router.Of(nn.TopKGate(Pixels, Experts, k: 2))),
        new("top2-balanced", "top-2, load-balance loss 0.02", _ => Router.Of(nn.TopKGate(Pixels, Experts, k: 2), balance: 0.02)),
        new("noisy-top2-balanced", "noisy top-2, load-balance loss 0.02", _ => Router.Of(nn.NoisyTopKGate(Pixels, Experts, k: 2), balance: 0.02)),
        new("sigmoid-top2", "sigmoid top-2, bias moved by load", _ => Router.Of(nn.TopKGate(Pixels, Experts, k: 2, TopKGateMode.Sigmoid, bias_update_rate: 0.01))),
        new("top1", "top-1", _ => Router.Of(nn.TopKGate(Pixels, Experts, k: 1, TopKGateMode.Softmax))),
        new("top1-balanced", "top-1, load-balance loss 0.05", _ => Router.Of(nn.TopKGate(Pixels, Experts, k: 1, TopKGateMode.Softmax), balance: 0.05)),
        new("top1-kept", "top-1, softmax of the kept logit", _ => Router.Of(new KeptTop1Gate(Pixels, Experts))),
        new("dense-to-sparse", "dense to sparse, linear", steps => Router.Of(nn.DenseToSparseGate(Pixels, Experts, schedule: Cooling(steps), options: Hardening(steps)))),
        new("dense-to-sparse-tanh", "dense to sparse, tanh", steps => Router.Of(nn.ActivationDenseToSparseGate(
            Pixels, Experts, DenseToSparseActivation.Tanh, schedule: Cooling(steps), options: Hardening(steps)))),
    ];

    /// <summary>The network with random weights, and its gate.</summary>
    public (Module<Tensor, Tensor> Model, Router? Router) Create(int steps)
    {
        if (CreateRouter is null)
        {
            return (Network(), null);
        }

        Router router = CreateRouter(steps);
        return (nn.MoE(router.Gate, Enumerable.Range(0, Experts).Select(_ => Network())), router);
    }

    private Module<Tensor, Tensor> Network() => Sequential(("hidden", Linear(Pixels, Hidden)), ("relu", ReLU()), ("logits", Linear(Hidden, DigitsData.Classes)));

    /// <summary>From 2 to 0.2 in two thirds of the training.</summary>
    private static DenseToSparseSchedule Cooling(int steps) => DenseToSparseSchedule.Exponential(2, 0.2, Math.Max(1, steps * 2 / 3));

    /// <summary>Training ends with what evaluation does: the likeliest expert alone.</summary>
    private static DenseToSparseOptions Hardening(int steps) => new() { top1_after = steps * 4 / 5 };
}
