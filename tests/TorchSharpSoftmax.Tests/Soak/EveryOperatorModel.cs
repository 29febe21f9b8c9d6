using TorchSharp;
using TorchSharp.Modules;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>A small language model, attention and experts, that uses every operator: all of a kind in turn, step by step.</summary>
internal sealed class EveryOperatorModel : IDisposable
{
    private const int Sequences = 3, Length = 6, Width = 8, Classes = 14, Experts = 5;

    private const LinearCrossEntropyResults Everything =
        LinearCrossEntropyResults.LogSumExp | LinearCrossEntropyResults.NegativeLogLikelihood | LinearCrossEntropyResults.Entropy | LinearCrossEntropyResults.Argmax;

    private readonly Embedding _embedding = nn.Embedding(Classes, Width);
    private readonly Linear _attention = nn.Linear(Width, 3 * Width), _head = nn.Linear(Width, Classes);
    private readonly nn.Module<Tensor, Tensor>[] _experts = [.. Enumerable.Range(0, Experts).Select(_ => nn.Linear(Width, Width))];
    private readonly nn.Module<Tensor, RoutingOutputs>[] _gates;
    private readonly Modules.MoE[] _layers;
    private readonly Modules.LinearCrossEntropyLoss _cutHead = nn.LinearCrossEntropyLoss(Width, Classes, bias: true);
    private readonly Modules.PerpGrad _optimizer;
    private readonly Tensor _mask = full([Length, Length], double.NegativeInfinity, ScalarType.Float32).triu(1);
    private readonly Random _random;

    internal EveryOperatorModel(int seed)
    {
        manual_seed(seed);
        _random = new(seed);
        _gates =
        [
            .. Enum.GetValues<TopKGateMode>().Select(mode => nn.TopKGate(Width, Experts, 2, mode, jitter: 0.01)),
            nn.DenseToSparseGate(Width, Experts, learnable_temperature: true, options: new() { gumbel = true, threshold = 0.1 }),
            nn.ActivationDenseToSparseGate(Width, Experts, DenseToSparseActivation.GELU, options: new() { threshold = 0.15 }),
            nn.NoisyTopKGate(Width, Experts),
            nn.ExpertChoiceGate(Width, Experts, 1.5),
        ];
        _layers = [.. _gates.Select((gate, i) => nn.MoE(gate, _experts, i % 2 == 0 ? 1.2 : null))];
        nn.Module[] modules = [_embedding, _attention, _head, _cutHead, .. _layers];
        Array.ForEach(modules, module => module.train());
        Parameter[] parameters = [.. modules.SelectMany(module => module.parameters()).DistinctBy(parameter => parameter.Handle)];
        _optimizer = optim.PerpGrad(optim.AdamW(parameters, 1e-3), PerpGradGranularity.Row);
    }

    /// <summary>Steps after which every operator has had its turn.</summary>
    internal static int Cycle => 8 * 3 * 5;

    /// <summary>One step of training: the loss of it.</summary>
    internal double Step(int step)
    {
        using var scope = NewDisposeScope();
        _optimizer.zero_grad();
        long[] words = [.. Enumerable.Range(0, Sequences * (Length + 1)).Select(_ => (long)_random.Next(Classes))];
        for (int i = 1; i < words.Length; i++)
        {
            words[i] = _random.Next(4) > 0 ? ((3 * words[i - 1]) + 1) % Classes : words[i]; // something to learn
        }

        var text = tensor(words, [Sequences, Length + 1]);
        var (ids, next) = (text.narrow(1, 0, Length), text.narrow(1, 1, Length));
        var (hidden, attentionLoss) = Attended(_embedding.call(ids), step);
        var layer = _layers[step % _layers.Length];
        using var routed = layer.route(hidden);
        var y = hidden + routed.output;
        var loss = Head(y, next, step) + attentionLoss + Balance(routed.routing);
        loss.backward();
        _optimizer.step();
        if (layer.gate is Modules.TopKGate { mode: TopKGateMode.Sigmoid } sigmoid)
        {
            sigmoid.update_bias(routed.routing.counts);
        }

        return loss.item<float>();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _mask.Dispose();
        foreach (nn.Module module in (nn.Module[])[_embedding, _attention, _head, _cutHead, .. _layers, .. _gates, .. _experts])
        {
            module.Dispose();
        }
    }

    /// <summary>Causal attention; what makes probabilities of scores differs from step to step.</summary>
    private (Tensor Hidden, Tensor Loss) Attended(Tensor x, int step)
    {
        var weight = F.perp_grad(_attention.weight);
        var parts = F.linear(x, weight, _attention.bias).chunk(3, -1);
        var scores = (parts[0].matmul(parts[1].transpose(1, 2)) * 0.35f) + _mask;
        var shares = (step % 5) switch
        {
            0 => F.two_pass_softmax(scores, -1),
            1 => F.two_pass_log_softmax(scores, -1).exp(),
            2 => F.stablemax(scores, -1),
            3 => F.log_stablemax(scores, -1).exp(),
            _ => F.two_pass_softmax(scores.transpose(1, 2), 1, algorithm: SoftmaxAlgorithm.TwoPass).transpose(1, 2),
        };
        using (no_grad())
        {
            var written = scores.detach().clone();
            _ = (step % 4) switch
            {
                0 => F.two_pass_softmax_(written),
                1 => F.two_pass_log_softmax_(written),
                2 => F.stablemax(scores.detach(), -1, @out: written),
                _ => F.log_stablemax_(written, -1),
            };
        }

        var size = F.two_pass_logsumexp(scores, -1);
        return (x + shares.matmul(parts[2]), (size * size).mean() * 1e-3f);
    }

    private Tensor Head(Tensor y, Tensor next, int step)
    {
        var flat = y.reshape(-1, Width);
        var target = next.reshape(-1);
        switch (step % 3)
        {
            case 0:
                return F.stablemax_cross_entropy(_head.call(flat), target, label_smoothing: 0.05);
            case 1:
                return F.collapse_free_cross_entropy(F.linear(flat, F.perp_grad(_head.weight), _head.bias), target);
            default:
                if (step % 2 == 0)
                {
                    return _cutHead.call(y, next);
                }

                var options = new LinearCrossEntropyOptions { mode = LinearCrossEntropyMode.Recompute, z_loss = 1e-4 };
                var found = F.linear_cross_entropy_outputs(flat, _cutHead.linear.weight, target, Everything, _cutHead.linear.bias, options: options);
                return found.loss + (found.entropy! * 1e-4f).mean();
        }
    }

    private static Tensor Balance(RoutingOutputs routing)
    {
        var loss = F.load_balance_loss_from_counts(routing.counts, routing.mean_probability) + F.router_z_loss_from_lse(routing.lse);
        if (routing.probabilities is { } p)
        {
            loss = loss + F.load_balance_loss(p, routing.indices) + F.importance_loss(p) + F.router_z_loss(p);
        }

        if (routing is NoisyTopKOutputs noisy)
        {
            loss = loss + noisy.load_loss() + noisy.importance_loss();
        }

        return loss;
    }
}
