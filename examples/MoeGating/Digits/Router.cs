using TorchSharp.Modules;
using TorchSharpSoftmax;
using TorchSharpSoftmax.Kernels;
using TorchSharpSoftmax.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoeGating;

/// <summary>A gate with what training does with it: its loss beside the task's, what follows a step, and what can be said of it.</summary>
/// <param name="Gate">From pixels to experts.</param>
/// <param name="Weight">Its linear map's.</param>
internal sealed record Router(Module<Tensor, RoutingOutputs> Gate, Parameter Weight)
{
    /// <summary>What is added to the task's loss.</summary>
    public Func<RoutingOutputs, Tensor>? Loss { get; init; }

    /// <summary>What follows a step of the optimizer.</summary>
    public Action<RoutingOutputs> AfterStep { get; init; } = _ => { };

    /// <summary>Null: it has none.</summary>
    public Func<double>? Temperature { get; init; }

    /// <summary>The probability of each expert, [tokens, experts], of a gate that does not tell itself.</summary>
    public Func<Tensor, Tensor>? Probabilities { get; init; }

    public static Router Of(TopKGate gate, double balance = 0) => new(gate, (Parameter)gate.linear.weight)
    {
        Loss = Balance(balance),
        Probabilities = x => gate.mode == TopKGateMode.Sigmoid ? Shares(gate.linear.call(x).sigmoid()) : functional.two_pass_softmax(gate.linear.call(x), dim: 1),
        AfterStep = gate.mode == TopKGateMode.Sigmoid ? routing => gate.update_bias(routing.counts) : _ => { },
    };

    public static Router Of(NoisyTopKGate gate, double balance) => new(gate, (Parameter)gate.linear.weight) { Loss = Balance(balance) };

    public static Router Of(DenseToSparseGate gate) =>
        new(gate, (Parameter)gate.linear.weight) { AfterStep = _ => gate.step(), Temperature = () => gate.temperature };

    public static Router Of(ActivationDenseToSparseGate gate) =>
        new(gate, (Parameter)gate.linear.weight) { AfterStep = _ => gate.step(), Temperature = () => gate.temperature };

    public static Router Of(KeptTop1Gate gate) =>
        new(gate, (Parameter)gate.Map.weight) { Probabilities = x => functional.two_pass_softmax(gate.Map.call(x), dim: 1) };

    private static Func<RoutingOutputs, Tensor>? Balance(double alpha) =>
        alpha == 0 ? null : routing => functional.load_balance_loss_from_counts(routing.counts, routing.mean_probability, alpha);

    private static Tensor Shares(Tensor scores) => scores / scores.sum(1, keepdim: true);
}

/// <summary>
/// What not to do: a softmax over the one logit that is kept is 1 whatever the logit, so its gradient is 0. The library's module refuses it; the functional form lets it be seen.
/// </summary>
internal sealed class KeptTop1Gate : Module<Tensor, RoutingOutputs>
{
    private readonly Linear map;

    public KeptTop1Gate(int features, int experts)
        : base(nameof(KeptTop1Gate))
    {
        map = Linear(features, experts, hasBias: false);
        RegisterComponents();
    }

    public Linear Map => map;

    public override RoutingOutputs forward(Tensor input)
    {
        using Tensor logits = map.call(input);
        return functional.topk_gate(logits, k: 1, TopKGateMode.KeptSoftmax);
    }
}
