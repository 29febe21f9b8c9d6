using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>
/// The definition, with all logits and with every target as a row of what each class counts: loss = sum(q * (lse - logit)). In float64 it is the exact value, in the
/// dtype's arithmetic libtorch's side.
/// </summary>
internal sealed class LinearCrossEntropyReference
{
    private readonly LinearCrossEntropyCase _sample;
    private readonly LinearCrossEntropyData _data;
    private readonly Tensor _counts, _counted, _tokenWeights;

    internal LinearCrossEntropyReference(LinearCrossEntropyCase sample, LinearCrossEntropyData data)
    {
        (_sample, _data) = (sample, data);
        long features = data.Weight.size(1), classes = data.Weight.size(0);
        var input = Paired(data.Input, 0);
        Shape = input.shape[..^1];
        var target = Paired(data.Target, sample.Shift, Shape.Length - 1);
        _counted = Counted(target);
        var dense = Dense(target, classes);
        var each = (dense * (1 - sample.Smoothing)) + (sample.Smoothing / classes);
        _counts = data.ClassWeight is null ? each : each * data.ClassWeight;
        _tokenWeights = (data.TokenWeights is null ? ones(_counted.shape, data.Input.dtype) : Paired(data.TokenWeights, sample.Shift, Shape.Length - 1).reshape(-1)) * _counted;
        Divisor = sample.Kind == TargetKind.Classes && data.ClassWeight is not null ? (_tokenWeights * (dense * data.ClassWeight).sum(1)).sum() : _tokenWeights.sum();
        var linear = input.reshape(-1, features).matmul(data.Weight.t());
        Raw = data.Bias is null ? linear : linear + data.Bias;
        (Losses, LogSumExp, Entropy, Capped) = PerToken(Raw);
        Loss = Reduced();
    }

    internal long[] Shape { get; }

    internal Tensor Divisor { get; }

    /// <summary>input @ weight^T + bias.</summary>
    internal Tensor Raw { get; }

    internal Tensor Capped { get; }

    internal Tensor Losses { get; }

    internal Tensor LogSumExp { get; }

    internal Tensor Entropy { get; }

    internal Tensor Loss { get; }

    internal Tensor IsCounted => _counted;

    /// <summary>For each parameter, how large the parts are that its gradient is summed from: |G| |weight| and so on, where G too is made of p and of target.</summary>
    internal Tensor[] GradientScales(Tensor upstream)
    {
        var of = autograd.grad([Loss], [Raw, Losses], [upstream], retain_graph: true, allow_unused: true);
        Tensor OrZero(Tensor? x, Tensor like) => x is null || x.IsInvalid ? zeros_like(like) : x.abs();
        var ofSquare = _sample.Reduction switch { Reduction.None => upstream.reshape(-1), Reduction.Sum => upstream, _ => upstream / _counted.sum() };
        var ofLogSumExp = 2 * _sample.ZLoss * ofSquare.abs() * (1 + LogSumExp.detach().abs()); // an lse near 0 is what is left of a logit's parts
        var perRow = (OrZero(of[1], Losses) * _counts.sum(1)) + ofLogSumExp;
        var p = (Logits(Capped) - LogSumExp.unsqueeze(1)).exp().detach();
        var features = Paired(_data.Input, 0).detach().reshape(-1, _data.Weight.size(1)).abs();
        var weight = _data.Weight.detach().abs();
        var magnitude = 1 + ((features.matmul(weight.t()) + (_data.Bias?.detach().abs() ?? zeros(1, _data.Weight.dtype))) * Math.Abs(_sample.Scale)).amax([1], keepdim: true);
        var g = (OrZero(of[0], Raw) + ((p + _counts.detach()) * perRow.unsqueeze(1) * Math.Abs(_sample.Scale))) * magnitude;
        var ofInput = g.matmul(weight).reshape([.. Shape, _data.Weight.size(1)]);
        return [Padded(ofInput), g.t().matmul(features), g.sum(dim: 0)];
    }

    /// <summary>How large the parts of the losses are.</summary>
    internal Tensor LossScale()
    {
        var size = (_counts * (1 + Raw.detach().abs() + LogSumExp.detach().abs().unsqueeze(1))).sum(1) + (_sample.ZLoss * (1 + LogSumExp.detach().pow(2)));
        return _sample.Reduction switch
        {
            Reduction.None => (size * (1 + _tokenWeights)).reshape(Shape),
            Reduction.Sum => (size * (1 + _tokenWeights)).sum(),
            _ => (size * (1 + _tokenWeights)).sum() / Divisor.detach(),
        };
    }

    private Tensor Logits(Tensor x) => _sample.Link == CrossEntropyLink.Softmax ? x : where(x.lt(zeros_like(x)), -(1 - x.clamp(max: 0)).log(), (1 + x.clamp(min: 0)).log());

    private (Tensor Losses, Tensor LogSumExp, Tensor Entropy, Tensor Capped) PerToken(Tensor raw)
    {
        var scaled = raw * _sample.Scale;
        var capped = _sample.Softcap is { } cap ? (scaled / cap).tanh() * cap : scaled;
        var logits = Logits(capped);
        var log = logits.log_softmax(1);
        return (-(_counts * log).sum(1) * _counted, logits.logsumexp(1) * _counted, -(log.exp() * log).sum(1) * _counted, capped);
    }

    private Tensor Reduced()
    {
        var weighted = Losses * _tokenWeights;
        var squares = LogSumExp.pow(2) * _sample.ZLoss;
        return _sample.Reduction switch
        {
            Reduction.None => (weighted + squares).reshape(Shape),
            Reduction.Sum => (weighted + squares).sum(),
            _ => (weighted.sum() / Divisor) + (squares.sum() / _counted.sum()),
        };
    }

    /// <summary>Of the tokens' last dim, those that have a partner.</summary>
    private Tensor Paired(Tensor x, long start, int dim = -1)
    {
        int tokens = dim < 0 ? (int)x.ndim - 2 : dim;
        return _sample.Shift == 0 ? x : x.narrow(tokens, start, x.size(tokens) - _sample.Shift);
    }

    private Tensor Padded(Tensor ofInput) => _sample.Shift == 0
        ? ofInput : cat([ofInput, zeros([.. Shape[..^1], _sample.Shift, ofInput.size((int)ofInput.ndim - 1)], ofInput.dtype)], Shape.Length - 1);

    private Tensor Counted(Tensor target) => (_sample.Kind switch
    {
        TargetKind.Classes => target.reshape(-1).ne(-100),
        TargetKind.Sparse => target.ne(-100).any(-1).reshape(-1),
        _ => ones(target.shape[..^1], ScalarType.Bool).reshape(-1),
    }).to_type(_data.Input.dtype);

    private Tensor Dense(Tensor target, long classes)
    {
        var dtype = _data.Input.dtype;
        if (_sample.Kind == TargetKind.Dense)
        {
            return target.reshape(-1, classes);
        }

        long k = _sample.Kind == TargetKind.Classes ? 1 : target.size((int)target.ndim - 1);
        var numbers = target.reshape(-1, k);
        var named = numbers.ne(-100).to_type(dtype);
        var shares = _sample.Kind == TargetKind.Classes ? named : Paired(_data.Probabilities!, _sample.Shift, Shape.Length - 1).reshape(-1, k) * named;
        return zeros([numbers.size(0), classes], dtype).scatter_add(1, numbers.clamp(min: 0), shares);
    }
}
