using System;
using System.Collections.Generic;
using System.Linq;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>The limited-memory BFGS method with a fixed step length, as PyTorch's without a line search.</summary>
public class LBFGS : optim.Optimizer, optim.ILearningRateController
{
    public double _rate;

    // A step whose curvature is below this is not remembered: the inverse Hessian would lose its definiteness.
    private const double LeastCurvature = 1e-10;

    private readonly List<Parameter> _parameters;
    private readonly long _maxIterations;
    private readonly long _maxEvaluations;
    private readonly double _toleranceGrad;
    private readonly double _toleranceChange;
    private readonly long _historySize;
    private readonly List<(Tensor Step, Tensor Change, double Rho)> _history = new();
    private long _iterations;
    private double _scale = 1;
    private double _length;
    private Tensor _direction;
    private Tensor _previousGrad;

    internal LBFGS(
        IEnumerable<Parameter> parameters, double lr, long max_iter, long max_eval, double tolerance_grad, double tolerance_change, long history_size)
        : base(IntPtr.Zero)
    {
        _parameters = parameters.ToList();
        _maxIterations = max_iter;
        _maxEvaluations = max_eval;
        _toleranceGrad = tolerance_grad;
        _toleranceChange = tolerance_change;
        _historySize = history_size;
        _rate = lr;
        InitialLearningRate = lr;
        OptimizerOptions options = new() { LearningRate = lr, InitialLearningRate = lr };
        _parameter_groups = new List<ParamGroup> { new() { Parameters = _parameters, Options = options } };
    }

    public double LearningRate
    {
        get => _rate;
        set => _rate = value;
    }

    public double InitialLearningRate { get; set; }

    public override IEnumerable<optim.ILearningRateController> ParamGroups => _parameter_groups;

    public override Tensor step(Func<Tensor> closure)
    {
        ArgumentNullException.ThrowIfNull(closure);
        Tensor first = Evaluate(closure);
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor grad = FlatGradient();
        double loss = Value(first);
        long evaluations = 1;
        for (long i = 0; i < _maxIterations && Largest(grad) > _toleranceGrad; i++)
        {
            _iterations++;
            SetDirection(grad);
            Keep(ref _previousGrad, grad.clone());
            _length = _iterations == 1 ? Math.Min(1, 1 / grad.abs().sum().to(ScalarType.Float64).item<double>()) * _rate : _rate;
            double slope = Dot(grad, _direction);
            if (slope > -_toleranceChange)
            {
                break;
            }

            Move(_direction, _length);
            if (i + 1 == _maxIterations)
            {
                break;
            }

            double before = loss;
            using (Tensor value = Evaluate(closure))
            {
                loss = Value(value);
            }

            grad = FlatGradient();
            evaluations++;
            bool still = Largest(_direction) * _length <= _toleranceChange || Math.Abs(loss - before) < _toleranceChange;
            if (evaluations >= _maxEvaluations || still)
            {
                break;
            }
        }

        return first;
    }

    internal override IEnumerable<Parameter> NativeParameters() => _parameters;

    internal override void DisposeState()
    {
        Forget(_history.Count);
        _direction?.Dispose();
        _previousGrad?.Dispose();
    }

    private static Tensor Evaluate(Func<Tensor> closure)
    {
        using IDisposable withGrad = enable_grad();
        return closure();
    }

    private static double Value(Tensor loss)
    {
        using Tensor detached = loss.detach();
        using Tensor wide = detached.to(ScalarType.Float64);
        return wide.item<double>();
    }

    private static double Dot(Tensor left, Tensor right) => (left * right).sum().to(ScalarType.Float64).item<double>();

    private static double Largest(Tensor tensor) => tensor.abs().max().to(ScalarType.Float64).item<double>();

    private static void Keep(ref Tensor field, Tensor value)
    {
        field?.Dispose();
        field = value.DetachFromDisposeScope();
    }

    private Tensor FlatGradient() =>
        cat(_parameters.Select(parameter => parameter.grad?.reshape(-1) ?? zeros_like(parameter).reshape(-1)).ToArray());

    /// <summary>The two-loop recursion: the direction is minus the inverse Hessian's estimate times the gradient.</summary>
    private void SetDirection(Tensor grad)
    {
        if (_iterations == 1)
        {
            Keep(ref _direction, grad.neg());
            return;
        }

        Tensor change = grad - _previousGrad;
        Tensor moved = _direction * _length;
        double curvature = Dot(change, moved);
        if (curvature > LeastCurvature)
        {
            if (_history.Count == _historySize)
            {
                Forget(1);
            }

            _history.Add((moved.DetachFromDisposeScope(), change.DetachFromDisposeScope(), 1 / curvature));
            _scale = curvature / Dot(change, change);
        }

        double[] weights = new double[_history.Count];
        Tensor q = grad.neg();
        for (int i = _history.Count - 1; i >= 0; i--)
        {
            weights[i] = Dot(_history[i].Step, q) * _history[i].Rho;
            q.add_(_history[i].Change, -weights[i]);
        }

        q.mul_(_scale);
        for (int i = 0; i < _history.Count; i++)
        {
            q.add_(_history[i].Step, weights[i] - (Dot(_history[i].Change, q) * _history[i].Rho));
        }

        Keep(ref _direction, q);
    }

    private void Forget(int count)
    {
        foreach ((Tensor step, Tensor change, _) in _history.Take(count))
        {
            step.Dispose();
            change.Dispose();
        }

        _history.RemoveRange(0, count);
    }

    private void Move(Tensor direction, double length)
    {
        long start = 0;
        foreach (Parameter parameter in _parameters)
        {
            long count = parameter.numel();
            parameter.add_(direction.narrow(0, start, count).reshape(parameter.shape), length);
            start += count;
        }
    }
}
